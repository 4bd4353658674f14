"""The last check before a demo says that it is on air."""

import pytest

from expo.demo import on_air
from expo.demo.on_air import wait_until_on_air
from expo.errors import Unavailable


async def test_a_server_that_shows_nothing_is_said_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_air, "ON_AIR_S", 0.5)
    with pytest.raises(Unavailable) as failure:
        await wait_until_on_air("http://127.0.0.1:9/whep/nothing", None)
    assert failure.value.code == "demo.not_on_air"
    assert "cannot reach the server" in failure.value.detail
