#!/bin/sh
# Installs the Debian packages that tests need (or, with "bench", that the bench compares with): as root by apt-get,
# otherwise it says exactly what to install and fails. What is there already is not touched.
set -eu

missing=""

need() { # PACKAGE TEST...: the package is missing unless the test succeeds
    package=$1
    shift
    if ! "$@" >/dev/null 2>&1; then missing="$missing $package"; fi
}
has_program() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1"; }
has_file() { ls $1; } # $1 may hold a pattern, so it stands unquoted
has_font() { fc-list | grep -qi "$1"; }

case "${1:-test}" in
test)
    need chromium has_program chromium
    need chromium-headless-shell has_program chromium-headless-shell
    need postgresql has_file '/usr/lib/postgresql/*/bin/initdb'
    need fontconfig has_program fc-list
    need fonts-noto-core has_font 'NotoSans-Regular'
    need fonts-noto-cjk has_font 'NotoSansCJK'
    need espeak-ng has_program espeak-ng
    need ffmpeg has_program ffprobe
    need iproute2 has_program ip
    need nftables has_program nft
    ;;
bench)
    need janus has_program janus
    need iproute2 has_program ip
    need chromium has_program chromium
    ;;
*)
    echo "usage: $0 [test|bench]" >&2
    exit 2
    ;;
esac

if [ -z "$missing" ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    # Servers among them are run by the tests themselves: none shall be started for the machine.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    # shellcheck disable=SC2086 # a list of names
    apt-get install -q -y --no-install-recommends $missing
else
    echo "These Debian packages are missing. Install them with" >&2
    echo "    sudo apt-get install --no-install-recommends$missing" >&2
    echo "and call this again (on another system: what gives the same programs)." >&2
    exit 1
fi
