"""The audience: chat, questions, interest, and how many watch. Pure."""

from __future__ import annotations

from typing import assert_never

from msgspec.structs import replace

from expo.errors import Forbidden, NotFound
from expo.ids import ExhibitorId, ParticipantId, ProductId
from expo.rooms import commands as do
from expo.rooms import events as be
from expo.rooms.commands import Actor, CrowdCommand
from expo.rooms.events import CrowdEvent, Said
from expo.rooms.machine_stage import require_phase
from expo.rooms.model import (
    MAX_INTERESTED,
    MAX_MESSAGES,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    Interest,
    Message,
    MessageKind,
    State,
    exhibitor_of,
    message_of,
)
from expo.rooms.text import clean

Events = tuple[CrowdEvent, ...]


def decide(state: State, command: CrowdCommand, actor: Actor) -> Events:  # noqa: C901 - one case per command
    """What happens; nothing when it is already so. Raises Forbidden or NotFound `rooms.*`, Invalid `text.*`."""
    match command:
        case do.Say(text):
            return (_said(state, actor, "chat", text),)
        case do.Ask(text, product):
            if product:
                _exhibitor(state, product)
            return (_said(state, actor, "question", text, product),)
        case do.Withdraw(message):
            found = _message(state, message)
            if found.by != actor.participant:
                raise Forbidden("rooms.not_your_message", "somebody else wrote this")
            return () if found.withdrawn else (be.MessageWithdrawn(message=message),)
        case do.HideMessage(message, hidden):
            return _hide(_message(state, message), hidden=hidden)
        case do.AnswerQuestion(message):
            found = _message(state, message)
            if found.kind != "question":
                raise NotFound("rooms.no_message", "this is no question")
            return () if found.answered else (be.QuestionAnswered(message=message),)
        case do.Interested(product):
            return _interested(state, product, actor.participant)
        case do.CountAudience(viewers):
            return (be.AudienceCounted(viewers=viewers),) if viewers != state.viewers else ()
        case _:
            assert_never(command)


def reduce(state: State, event: CrowdEvent, revision: int, at_ms: int) -> State:
    """The state after `event`; a message's id is the revision that brings it."""
    match event:
        case be.Said():
            message = Message(
                id=revision,
                kind=event.kind,
                by=event.by,
                name=event.name,
                company=event.company,
                text=event.text,
                at_ms=at_ms,
                product=event.product,
            )
            return replace(state, messages=(*state.messages, message)[-MAX_MESSAGES:])
        case be.MessageHidden(message):
            return _changed(state, message, hidden=True)
        case be.MessageShown(message, name, company, text):
            return _changed(state, message, hidden=False, name=name, company=company, text=text)
        case be.MessageWithdrawn(message):
            return _changed(state, message, withdrawn=True, text="")
        case be.QuestionAnswered(message):
            return _changed(state, message, answered=True)
        case be.InterestShown(product, exhibitor, by):
            before = state.interest.get(product) or Interest(exhibitor=exhibitor, count=0)
            people = (*before.people, by)[-MAX_INTERESTED:]
            after = replace(before, count=before.count + 1, people=people)
            return replace(state, interest={**state.interest, product: after})
        case be.AudienceCounted(viewers):
            return replace(state, viewers=viewers)
        case _:
            assert_never(event)


def _said(state: State, actor: Actor, kind: MessageKind, text: str, product: ProductId | None = None) -> Said:
    require_phase(state, "waiting", "live", "paused")
    return be.Said(
        kind=kind,
        by=actor.participant,
        name=clean(actor.name, MAX_NAME_CHARS),
        company=clean(actor.company, MAX_NAME_CHARS) if actor.company else "",
        text=clean(text, MAX_TEXT_CHARS),
        product=product,
    )


def _hide(message: Message, *, hidden: bool) -> Events:
    if message.hidden == hidden:
        return ()
    if hidden:
        return (be.MessageHidden(message=message.id),)
    words = be.MessageShown(message=message.id, name=message.name, company=message.company, text=message.text)
    return (words,)


def _interested(state: State, product: ProductId, who: ParticipantId) -> Events:
    require_phase(state, "waiting", "live", "paused", "ended")  # a buyer who makes up their mind at the end counts
    known = state.interest.get(product)
    if known and who in known.people:
        return ()
    exhibitor = known.exhibitor if known else _exhibitor(state, product)
    return (be.InterestShown(product=product, exhibitor=exhibitor, by=who),)


def _exhibitor(state: State, product: ProductId) -> ExhibitorId:
    exhibitor = exhibitor_of(state, product)
    if exhibitor is None:
        raise NotFound("rooms.no_product", "this product is in no company's part")
    return exhibitor


def _message(state: State, message: int) -> Message:
    found = message_of(state, message)
    if found is None:
        raise NotFound("rooms.no_message", "the room does not remember this message")
    return found


def _changed(state: State, message: int, **changes: object) -> State:
    return replace(
        state,
        messages=tuple(replace(each, **changes) if each.id == message else each for each in state.messages),
    )
