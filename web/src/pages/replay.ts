/** The replay page: plays a recording, follows its parts and products, remembers where one was. Wires player and views. */

import { nothing, render } from "lit-html";
import { Replay, type ReplayFacts } from "../media/replay";
import { engineOf } from "../media/replay-engine";
import type { Clock } from "../ui/clocks";
import { t } from "../ui/i18n";
import { closeMenusKindly } from "../ui/menus";
import { ownTimes } from "../ui/own-times";
import { need, pageData } from "../ui/page";
import { chapterAt, cueAt, lastStart, leavesOut, nextStart } from "../ui/replay/chapters";
import { assess } from "../ui/replay/health";
import { Interest } from "../ui/replay/interest";
import { replayKeys } from "../ui/replay/keys";
import { adopt, askPage, Follower, productName, readPage, type Written } from "../ui/replay/lists";
import { keeper, Memory, SPEEDS } from "../ui/replay/memory";
import { clockText, momentText, readMoment } from "../ui/replay/times";
import { place, underPointer } from "../ui/replay/track";
import * as view from "../ui/replay/view";
import { MOST_STEP_S, Watched } from "../ui/replay/watched";
import { share } from "../ui/share";
import { say } from "../ui/toast";

const data = pageData<{ readonly clocks: readonly Clock[] }>();

const [LOOK_MS, LOOK_LIVE_MS] = [2_000, 20_000];
/** Two refusals sooner than this: asking the page again does not help. */
const STALE_GAP_MS = 5_000;
const KEEP_MS = 5_000;
/** The player comes before it is wanted, after what the page itself needs. */
const PREPARE_MS = 300;

function open(video: HTMLVideoElement, first: Written): void {
  let page = first;
  let online = navigator.onLine;
  let healthOpen = false;
  let staleAt = Number.NEGATIVE_INFINITY;
  let keptAt = 0;
  let last: ReplayFacts["phase"] = "idle";
  let [lastChapter, lastS] = [chapterAt(page.chapters, 0), 0];

  const [frame, box] = [need<HTMLElement>("#picture"), need<HTMLElement>("#player")];
  const stageUrl = need<HTMLAnchorElement>("#act a").href;
  const slot = (id: string) => {
    const element = need<HTMLElement>(`#${id}`);
    element.replaceChildren();
    return element;
  };
  const [strip, cover, signal] = [slot("strip"), slot("cover"), slot("signal")];
  const [quality, keys, act] = [slot("quality"), slot("controls"), slot("act")];
  const memory = new Memory(keeper(), page.id);
  const [watched, interest] = [new Watched(), new Interest(page.id, page.named)];
  const follower = new Follower(need("#card"));
  const query = new URLSearchParams(location.search);
  const part = page.chapters.find(({ id }) => id === query.get("part"));
  const asked = part?.startsS ?? readMoment(query.get("t"));
  const resumeS = asked === null ? memory.place(page.chapters, page.lengthS) : null;

  // What stands for script-less readers is ours now.
  video.controls = false;
  video.querySelector("source")?.remove();
  video.volume = memory.volume;
  const volumeSettable = Math.abs(video.volume - memory.volume) < 0.01 && settable(video);
  video.playbackRate = video.defaultPlaybackRate = memory.speed;

  const unable = engineOf(video) === "none";
  const startS = Math.min(asked ?? resumeS ?? 0, page.lengthS);
  const replay = new Replay(video, page.master, startS, { told: draw, stale: () => void renew(true) });

  function scene(): view.Scene {
    const told = replay.facts;
    const player = { ...told, lengthS: Math.max(told.lengthS, page.lengthS) };
    const { bandwidthBps, bitrateBps } = replay.stats;
    const waiting = player.phase === "waiting" || player.phase === "loading";
    const leftS = player.lengthS - player.seconds;
    return {
      player,
      online,
      unable,
      volumeSettable,
      healthOpen,
      stageUrl,
      chapters: page.chapters,
      speed: video.playbackRate,
      volume: video.volume,
      muted: video.muted || video.volume === 0,
      resumeS: player.phase === "idle" ? resumeS : null,
      live: page.state === "live",
      health: assess({ online, waiting, aheadS: player.aheadS, leftS, bandwidthBps, bitrateBps }),
    };
  }

  const actions: view.Actions = {
    toggle: () => {
      if (unable) return;
      if (view.playing(replay.facts)) replay.pause();
      else void replay.play();
    },
    begin: () => {
      actions.seek(0);
      void replay.play();
    },
    seek: (seconds) => replay.seek(seconds),
    skip: (seconds) => replay.seek(replay.seconds + seconds),
    previous: () => replay.seek(lastStart(page.chapters, replay.seconds)),
    next: () => {
      const to = nextStart(page.chapters, replay.seconds);
      if (to !== null) replay.seek(to);
    },
    setSpeed: (speed) => {
      memory.speed = video.playbackRate = video.defaultPlaybackRate = speed;
      say(`${t("replay.speed")}: ${view.speedText(speed, data.language)}`);
    },
    setVolume: (volume) => {
      memory.volume = video.volume = Math.min(1, Math.max(0, volume));
      video.muted = false;
    },
    mute: () => {
      video.muted = !video.muted;
      if (!video.muted && video.volume === 0) actions.setVolume(0.5);
    },
    retry: () => replay.retry(),
    fullScreen: () => {
      const phone = video as HTMLVideoElement & { webkitEnterFullscreen?: () => void };
      if (document.fullscreenElement !== null) void document.exitFullscreen();
      else if ("requestFullscreen" in box) void box.requestFullscreen().catch(() => undefined);
      else phone.webkitEnterFullscreen?.();
    },
    toggleHealth: () => {
      const tapped = document.activeElement?.closest("#picture") != null;
      healthOpen = !healthOpen;
      draw();
      if (tapped) document.querySelector<HTMLElement>(healthOpen ? "#quality button" : "#signal button")?.focus();
    },
  };

  function draw(): void {
    const now = scene();
    const { player, chapters } = now;
    const begun = player.phase !== "idle";
    const stalled = player.phase === "waiting" && (player.trouble || !online);
    frame.dataset.picture = !begun || video.videoWidth === 0 ? "poster" : stalled ? "stalled" : "moving";
    frame.toggleAttribute("data-strip", view.strip(now, t) !== nothing);
    render(view.strip(now, t), strip);
    render(view.cover(now, t, actions), cover);
    render(view.signal(now, t, actions), signal);
    render(view.healthPanel(now, replay.stats, data.language, t, actions), quality);
    render(view.controls(now, data.language, t, actions), keys);
    place(keys, now);
    const chapter = chapterAt(chapters, player.seconds) ?? chapters[0] ?? null;
    const leftS = chapter === null ? 0 : Math.min(chapter.endsS, player.lengthS) - player.seconds;
    follower.follow(
      chapter?.id ?? null,
      cueAt(chapters, player.seconds)?.product ?? null,
      begun ? t("replay.left", { time: clockText(Math.max(0, leftS)) }) : "",
    );
    const product = page.noting ? cueAt(chapters, player.seconds)?.product : undefined;
    const stand = document.querySelector<HTMLElement>(".chapter[aria-current]")?.dataset.exhibitor;
    const noting = product === undefined ? null : notingOf(product, chapter?.company ?? "");
    render(view.act(now, noting, stand === undefined ? null : `/stands/${stand}`, t, copy), act);
    if (chapter !== lastChapter && view.playing(player)) {
      const passed = Math.abs(player.seconds - lastS) < MOST_STEP_S;
      if (passed && leavesOut(lastChapter, chapter)) say(t("replay.left_out_here"));
      else need("#status").textContent = t("replay.say_part", { company: chapter?.company ?? "" });
    }
    lastChapter = chapter;
    lastS = player.seconds;
    if (player.phase === "playing") tellWatched(player.seconds);
    if (player.phase !== last) {
      const said = view.announcement(player, t);
      if (said !== null) need("#status").textContent = said;
      last = player.phase;
      keep();
    } else if (performance.now() - keptAt > KEEP_MS) keep();
    document.documentElement.dataset.phase = player.phase;
  }

  function notingOf(product: string, company: string): view.Noting {
    const press = () => {
      void interest.show(product).then((answer) => {
        draw();
        if (answer === "noted") say(t("replay.noted_said", { company }));
        else if (answer !== "declined") say(t("replay.not_noted", { reason: answer.reason || t("replay.no_answer") }));
      });
      draw();
    };
    const [noted, sending] = [interest.noted.has(product), interest.sending.has(product)];
    return { product: productName(product), noted, sending, press };
  }

  function tellWatched(seconds: number): void {
    const minute = watched.at(chapterAt(page.chapters, seconds), seconds);
    if (minute === null || page.watched === "") return;
    const headers = { "Content-Type": "application/json" };
    // A count that is lost is nobody's trouble.
    fetch(page.watched, { method: "POST", headers, body: JSON.stringify(minute) }).catch(() => undefined);
  }

  function keep(): void {
    keptAt = performance.now();
    if (replay.facts.phase !== "idle") memory.keep(page.chapters, replay.seconds);
  }

  function copy(): void {
    const url = `${location.origin}${location.pathname}?t=${momentText(replay.seconds)}`;
    void share(document.title, url).then((how) => {
      if (how !== "sheet")
        say(t(how === "copied" ? "replay.copied" : "common.link_failed", { time: clockText(replay.seconds) }));
    });
  }

  /** The page as it is now: parts that were added or withdrawn, and addresses that hold. */
  async function renew(stale: boolean): Promise<void> {
    if (stale) {
      if (performance.now() - staleAt < STALE_GAP_MS) return replay.fail();
      staleAt = performance.now();
    }
    const answer = await askPage();
    const found = answer === null ? null : readPage(answer);
    if (answer === null || found === null) {
      if (stale) replay.fail();
      return;
    }
    // What is being prepared will be there in a moment, and what is loaded plays on until then.
    if (found.state === "preparing" && !stale) return;
    if (found.chapters.length === 0) return location.reload();
    const [chapter, seconds] = [chapterAt(page.chapters, replay.seconds), replay.seconds];
    const same = found.chapters.find(({ id }) => id === chapter?.id);
    const next = found.chapters.find(({ number }) => number > (chapter?.number ?? 0));
    const to = same && chapter ? same.startsS + seconds - chapter.startsS : (next?.startsS ?? found.lengthS);
    page = found;
    adopt(answer);
    ownTimes(data.clocks, t);
    follower.forget();
    if (stale) {
      if (same === undefined) say(t("replay.left_out_here"));
      replay.move(found.master, to);
    }
    draw();
  }

  replayKeys(actions, {
    louder: (by) => actions.setVolume(video.volume + by),
    faster: (by) => {
      const to = SPEEDS[SPEEDS.indexOf(video.playbackRate) + by];
      if (to !== undefined) actions.setSpeed(to);
    },
    escape: () => healthOpen && actions.toggleHealth(),
  });
  video.addEventListener("click", actions.toggle);
  need<HTMLElement>("#main").addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-at]");
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    actions.seek(Number(link.dataset.at));
    if (!unable) void replay.play();
  });
  underPointer(keys, scene, productName);
  for (const name of ["online", "offline"]) {
    window.addEventListener(name, () => {
      online = navigator.onLine;
      if (online) replay.retry();
      draw();
    });
  }
  window.addEventListener("pagehide", keep);
  document.addEventListener("fullscreenchange", draw);
  if (page.state === "live")
    setInterval(() => page.state === "live" && !document.hidden && void renew(false), LOOK_LIVE_MS);
  if ((navigator as { connection?: { saveData?: boolean } }).connection?.saveData !== true)
    setTimeout(() => void replay.prepare(page.state === "ready"), PREPARE_MS);
  draw();
}

/** Nothing to play yet: look until there is, then begin anew with it. */
function wait({ state }: Written): void {
  if (state !== "preparing" && state !== "live" && state !== "ready") return;
  setInterval(async () => {
    const answer = await askPage();
    const found = answer === null ? null : readPage(answer);
    if (found !== null && (found.state !== state || found.chapters.length > 0)) location.reload();
  }, LOOK_MS);
}

/** Phones leave loudness to their keys: what is written there stays one. */
function settable(video: HTMLVideoElement): boolean {
  const { volume } = video;
  video.volume = volume > 0.5 ? volume - 0.1 : volume + 0.1;
  const moved = video.volume !== volume;
  video.volume = volume;
  return moved;
}

closeMenusKindly();
ownTimes(data.clocks, t);
need("#help").addEventListener("click", () => need<HTMLDialogElement>("#keys").showModal());
need("#keys").addEventListener("click", (event) => {
  if ((event.target as Element).closest("button") !== null) need<HTMLDialogElement>("#keys").close();
});
const found = readPage(document);
const player = document.querySelector<HTMLVideoElement>("#picture video");
if (found !== null && player !== null) open(player, found);
else if (found !== null) wait(found);
