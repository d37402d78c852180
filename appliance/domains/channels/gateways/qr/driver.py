"""The child of one number: runs the library, says what happens, does what it is told, and ends with its parent.

    python -m appliance.domains.channels.gateways.qr.driver --socket 7 --store /dev/shm/…/keys.db

It holds no key of the box and knows nothing of it. The library can end the process and cannot always be stopped from inside: whoever
wants it gone kills it. Exit codes: 0 the parent went away or said to end, 1 no connection, 3 the parent was silent, 4 all was said,
5 nobody foresaw it.
"""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from typing import Any, NoReturn

from appliance.domains.channels.gateways.qr import driver_messages as messages
from appliance.domains.channels.gateways.qr import driver_store, lines, wire
from appliance.domains.channels.gateways.qr.driver_calls import Calls
from appliance.domains.channels.gateways.qr.driver_library import VERSION, NeonizeError, ProxySettings, client, enum, events, registration
from appliance.domains.channels.gateways.qr.driver_outgoing import CannotSend, address_of, built
from appliance.domains.channels.gateways.qr.driver_tries import Tries
from appliance.domains.channels.gateways.qr.driver_unheard import Unheard
from appliance.domains.channels.rules.reasons import DisconnectReason

WAITING = 2_000  # events that wait for a slow parent; then WhatsApp waits
FAREWELL_S = 5.0
FIRST_QR_S, NEXT_QR_S = 60, 20  # what WhatsApp allows for the first code and for each after it
CHUNK = 1 << 16
NOT_OPEN = "there is no connection yet"
GONE, NO_CONNECTION, SILENT, ALL_SAID, UNFORESEEN = 0, 1, 3, 4, 5
UNFIT = (ValueError, LookupError, ArithmeticError, TypeError, AttributeError)  # CannotSend among them: a message that no try will build

_LOGGED_OUT = {2: DisconnectReason.LOGGED_OUT, 4: DisconnectReason.FORBIDDEN, 5: DisconnectReason.FORBIDDEN}  # 403 locked, 406 banned
_FAILURES = {**_LOGGED_OUT, 6: DisconnectReason.OUTDATED, 7: DisconnectReason.OUTDATED, 10: DisconnectReason.UNAVAILABLE}
_BANS = {
    1: "sent to too many people", 2: "blocked by too many people", 3: "made too many groups",
    4: "sent the same message too often", 5: "sent too many broadcasts",
}  # fmt: skip


class Driver:
    def __init__(self, link: socket.socket, store: Path) -> None:
        self._link = link
        self._store = store
        self._out: Queue[bytes | None] = Queue(WAITING)
        self._unheard = Unheard(store)
        self._calls = Calls()
        self._codes = 0
        self._me = ""
        props = registration.DeviceProps(os="SalesEdge", platformType=registration.DeviceProps.CHROME)
        self._tries = Tries(store)
        self._client = client.NewClient(str(store), uuid="number", props=props)
        self._writer = _started(self._write)
        self._sends, self._files, self._tasks = (_lane(self._break_off) for _ in range(3))

    # from the parent

    def serve(self, silence_s: float) -> NoReturn:
        """Reads commands for as long as there is somebody who gives them."""
        self._tell(wire.Ready(VERSION))
        _started(self._connect)
        _started(lambda: driver_store.watch(self._store, lambda: self._tell(wire.StoreChanged())))
        self._link.settimeout(silence_s)
        stream = lines.Lines()
        while True:
            try:
                piece = self._link.recv(CHUNK)
            except TimeoutError:
                os._exit(SILENT)
            except OSError:
                os._exit(GONE)
            if not piece:
                os._exit(GONE)
            for line in stream.feed(piece):
                self._obey(wire.decode_command(line))

    def _obey(self, command: wire.Command) -> None:
        """What may take its time goes into a lane: messages keep their order, files hold up nobody."""
        match command:
            case wire.Ping():
                self._tell(wire.Pong())
            case wire.Kept():
                self._unheard.keep(command.number)
            case wire.Send():
                self._sends.put(lambda: self._tell(self._sent(command)))
            case wire.Fetch():
                self._files.put(lambda: self._tell(self._fetched(command)))
            case wire.MarkRead():
                self._tasks.put(lambda: self._mark_read(command))
            case wire.ShowTyping():
                self._tasks.put(lambda: self._show_typing(command))
            case wire.Attend():
                self._tasks.put(lambda: self._attend(command))
            case wire.Pair() | wire.AskGroup() | wire.AskIssuer():
                self._tasks.put(lambda: self._tell(self._answered(command)))
            case wire.LogOut():
                self._tasks.put(self._log_out)

    # the library

    def _connect(self) -> None:
        """Returns only when the library gives up."""
        self._listen()
        proxy = os.environ.get("HTTPS_PROXY", "")
        try:
            self._client.connect(ProxySettings(proxy) if proxy else None)
        except NeonizeError as err:
            self._end(wire.Closed(DisconnectReason.LOST, str(err)[:500], final=True), NO_CONNECTION)
        self._end(wire.Closed(DisconnectReason.CLOSED, "the library stopped", final=True), NO_CONNECTION)

    def _listen(self) -> None:
        """The library calls one function for each kind of event, one after the other: none may wait for the network."""
        on = self._client.event
        self._client.event.qr(lambda _client, code: self._show(code.decode()))
        self._client._NewClient__onLoginStatus = self._linking_ended  # noqa: SLF001 - it only prints there, and nothing else says so
        says: dict[Any, Callable[[Any], wire.Event | None]] = {
            events.CallOfferEv: self._calls.rings, events.CallTerminateEv: lambda said: self._calls.ended(said, self._me),
            events.MessageEv: messages.event_of, events.ReceiptEv: messages.receipt_of, events.ChatPresenceEv: messages.typing_of,
            events.UndecryptableMessageEv: messages.undecryptable_of, events.PairStatusEv: _paired, events.ConnectFailureEv: _failed,
            events.DisconnectedEv: lambda _: wire.Closed(DisconnectReason.CLOSED, "connection closed"),
            events.KeepAliveTimeoutEv: lambda _: wire.Closed(DisconnectReason.LOST, "no answer from WhatsApp"),
            events.StreamErrorEv: lambda said: wire.Closed(DisconnectReason.BAD_SESSION, f"stream error {said.Code}"),
        }  # fmt: skip
        ends: dict[Any, Callable[[Any], wire.Event]] = {
            events.LoggedOutEv: lambda said: wire.LoggedOut(_LOGGED_OUT.get(said.Reason, DisconnectReason.LOGGED_OUT), "unlinked"),
            events.TemporaryBanEv: lambda said: wire.Banned(said.Code, _BANS.get(said.Code, "unknown reason"), said.Expire),
            events.ClientOutdatedEv: lambda _: wire.Outdated(),
            events.StreamReplacedEv: lambda _: wire.Closed(DisconnectReason.REPLACED, "opened elsewhere", final=True),
        }
        for kind, tell in says.items():
            on(kind)(lambda _client, said, tell=tell: self._tell(tell(said)))
        for kind, last in ends.items():
            on(kind)(lambda _client, said, last=last: self._tasks.put(lambda: self._end(last(said), ALL_SAID)))
        for kind in (events.ConnectedEv, events.KeepAliveRestoredEv):
            on(kind)(lambda _client, _said: self._tasks.put(self._opened))

    def _show(self, code: str) -> None:
        self._codes += 1
        self._tell(wire.Qr(code, FIRST_QR_S if self._codes == 1 else NEXT_QR_S))

    def _linking_ended(self, _uuid: int, address: int) -> None:
        """Why no more codes come: scanned, run out, or refused."""
        said = client.ctypes.string_at(address).decode("utf-8", "replace")
        if said == "success":
            return
        last = wire.Outdated() if said == "err-client-outdated" else wire.Closed(DisconnectReason.LOST, f"not linked: {said}", final=True)
        self._tasks.put(lambda: self._end(last, ALL_SAID))

    def _opened(self) -> None:
        me = self._client.get_me()
        self._me = messages.text_of(me.JID)
        is_business = bool(me.BussinessName) or me.Platform.startswith("smb")  # smba, smbi: the Business app of Android, of iOS
        self._tell(wire.Open(self._me, messages.text_of(me.LID), me.PushName, is_business))
        self._client.send_presence(enum.Presence.UNAVAILABLE)  # the name is made known, the telephone keeps ringing

    # commands; the library ends the process when it is asked for anything before it has a connection

    def _sent(self, send: wire.Send) -> wire.Sent | wire.Failed:
        if not self._me:
            return wire.Failed(send.id, NOT_OPEN, again=True)
        if (earlier := self._tries.earlier(send)) is not None:
            return earlier
        try:
            message, to = built(send, self._client.upload, self._me), address_of(send.to)
        except UNFIT as err:
            return wire.Failed(send.id, f"{type(err).__name__}: {err}"[:500])
        except NeonizeError as err:  # the upload
            return wire.Failed(send.id, str(err)[:500], again=True)
        try:
            answer = self._client.send_message(to, message)
        except NeonizeError as err:
            return self._tries.failed(send, str(err))
        return self._tries.sent(send, answer.ID, messages.moment(answer.Timestamp))

    def _fetched(self, command: wire.Fetch) -> wire.Fetched | wire.Failed:
        if not self._me:
            return wire.Failed(command.id, NOT_OPEN, again=True)
        try:
            message = messages.referred(command.reference)
        except ValueError as err:
            return wire.Failed(command.id, str(err))
        if any(part.fileLength > command.limit for _, part in message.ListFields()):
            return wire.Failed(command.id, "too large")
        try:
            content = self._client.download_any(message)
            made = Path(f"{command.path}.part")
            made.write_bytes(content)
            made.replace(command.path)
        except (NeonizeError, OSError) as err:
            gone = any(status in str(err) for status in ("403", "404", "410"))
            return wire.Failed(command.id, str(err)[:500], again=not gone)
        return wire.Fetched(command.id, command.path, len(content))

    def _pairing(self, phone: str) -> wire.Pairing | wire.Failed:
        if not self._codes:
            return wire.Failed("pair", NOT_OPEN, again=True)
        try:
            return wire.Pairing(self._client.PairPhone(phone, show_push_notification=True))
        except NeonizeError as err:
            return wire.Failed("pair", str(err)[:500], again=True)

    def _mark_read(self, command: wire.MarkRead) -> None:
        if self._me:
            chat = address_of(command.chat)
            self._client.mark_read(*command.ids, chat=chat, sender=chat, receipt=enum.ReceiptType.READ)

    def _show_typing(self, command: wire.ShowTyping) -> None:
        state = enum.ChatPresence.CHAT_PRESENCE_COMPOSING if command.writes else enum.ChatPresence.CHAT_PRESENCE_PAUSED
        if self._me:
            self._client.send_chat_presence(address_of(command.chat), state, enum.ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT)

    def _attend(self, command: wire.Attend) -> None:
        if self._me:
            self._client.send_presence(enum.Presence.AVAILABLE if command.looks else enum.Presence.UNAVAILABLE)

    def _answered(self, command: wire.Pair | wire.AskGroup | wire.AskIssuer) -> wire.Event | None:
        if isinstance(command, wire.Pair):
            return self._pairing(command.phone)
        if isinstance(command, wire.AskIssuer):
            return self._issuer()
        if not self._me:
            return None
        return messages.group_of(command.chat, self._client.get_group_info(address_of(command.chat)), self._name_of)

    def _issuer(self) -> wire.Issuer | wire.Failed:
        """`get_user_info` asks for the certificate, too, and drops it (neonize 0.5.2)."""
        if not self._me:
            return wire.Failed("issuer", NOT_OPEN, again=True)
        try:
            found = self._client.is_on_whatsapp(f"+{self._me.partition('@')[0]}")
        except NeonizeError as err:
            return wire.Failed("issuer", str(err)[:500], again=True)
        details = [one.VerifiedName.Details for one in found if one.HasField("VerifiedName")]
        return wire.Issuer(details[0].issuer, details[0].verifiedName) if details else wire.Issuer("")

    def _name_of(self, address: Any) -> str:
        """As the phone's owner calls them, else as they call themselves; empty for who never wrote."""
        known = self._client.contact.get_contact(address)
        return str(known.FullName or known.FirstName or known.PushName or known.BusinessName)

    def _log_out(self) -> None:
        if not self._me:
            self._tell(wire.Failed("logout", NOT_OPEN, again=True))
            return
        try:
            self._client.logout()
        except NeonizeError as err:
            self._tell(wire.Failed("logout", str(err)[:500], again=True))
            return
        self._end(wire.LoggedOut(DisconnectReason.LOGGED_OUT, "as asked"), GONE)

    # to the parent

    def _tell(self, event: wire.Event | None) -> None:
        if event is None:
            return
        try:
            line = wire.encode(event)
        except lines.BadLine:
            logging.getLogger(__name__).warning("%s is too long to be told", type(event).__name__)
            return
        if isinstance(event, wire.LETTERS):  # from one thread of the library, hence in order
            self._unheard.add(line)
        self._out.put(line)

    def _write(self) -> None:
        while (line := self._out.get()) is not None:
            try:
                self._link.sendall(line)
            except OSError:
                os._exit(GONE)

    def _end(self, last: wire.Event, code: int) -> NoReturn:
        """The library may hang in its own clean-up: it is not asked."""
        self._tell(last)
        self._out.put(None)
        self._writer.join(FAREWELL_S)
        os._exit(code)

    def _break_off(self, err: BaseException | None) -> NoReturn:
        """Another child takes over: it reads in the store what may have left. A lane that ended alone would leave the number mute."""
        try:
            self._end(wire.Closed(DisconnectReason.LOST, f"broke off: {type(err).__name__}", final=True), UNFORESEEN)
        finally:
            os._exit(UNFORESEEN)


def _started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _lane(break_off: Callable[[BaseException | None], NoReturn]) -> Queue[Callable[[], None]]:
    """Does what is put in, one after the other; `break_off` ends them all."""
    lane: Queue[Callable[[], None]] = Queue()

    def work_off() -> NoReturn:
        try:
            while True:
                try:
                    lane.get()()
                except (NeonizeError, CannotSend) as err:
                    logging.getLogger(__name__).warning("left undone: %s", type(err).__name__)
        finally:
            break_off(sys.exception())

    _started(work_off)
    return lane


def _paired(said: Any) -> wire.Event:
    if said.Error:
        return wire.Closed(DisconnectReason.BAD_SESSION, f"not linked: {said.Error}"[:500])
    return wire.Paired(messages.text_of(said.ID), "", said.Platform)


def _failed(said: Any) -> wire.Event:
    return wire.Closed(_FAILURES.get(said.Reason, DisconnectReason.BAD_SESSION), f"refused: {said.Message or said.Reason}"[:500])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--silence", type=float, default=90)
    given = parser.parse_args()
    os.dup2(2, 1)  # libraries that print do not speak for us
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger().setLevel(logging.ERROR)
    Driver(socket.socket(fileno=given.socket), given.store).serve(given.silence)


if __name__ == "__main__":
    main()
