"""The application of the tests: what it is told to do stands in its arguments, what it sees goes to fd `out`.

    app.py out record               each signal it gets, all 64 blocked: "<number> <code> <value>"
    app.py out record-with-helper   the same, and of a helper in its group: "helper <number> ..."
    app.py out record-elsewhere     each signal it gets, in the group of its helper, which records nothing
    app.py out record-with-orphan   each signal it gets, after leaving one sleeping process behind
    app.py out record-as UID        each signal it gets, as another user
    app.py out orphans N            makes N orphans that end at once, on SIGUSR1
    app.py out exec-in-thread CODE  becomes `exit CODE` by an exec of a thread that is not the first, on SIGUSR1
    app.py out listen               what it finds of socket activation: see listen()
    app.py out leave HOW...         leaves a process behind for each HOW, see leave(), and ends with status 7
    app.py out orphan               makes one, which says whose child it has become
    app.py out traced               says each SIGUSR1 and SIGTERM it gets after it asked to be traced by its parent
    app.py out traced-exit CODE     asks to be traced by its parent, or says why not, and ends
    app.py out traced-orphans N     makes N orphans that end when their parent traces them, on SIGUSR1
    app.py out dispositions HOW     see dispositions()
    app.py out look AS KIND         see look()
    app.py out second-thread        ends its first thread, and lives on in another
"""

import ctypes
import os
import signal
import socket
import sys
import threading
import time

import raw

out = int(sys.argv[1])


def say(*words):
    os.write(out, (" ".join(map(str, words)) + "\n").encode())


def idle():
    """For ever. pause() would miss a signal that comes just before it: Python runs handlers between its own steps."""
    while True:
        time.sleep(0.01)


def await_start():
    """Says that it is ready, and waits for SIGUSR1."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    say("ready 0")
    signal.sigwait([signal.SIGUSR1])


def record(*prefix):
    while True:
        say(*prefix, *raw.take_signal())


def orphans(count):
    """A parent with `count` children that it leaves behind."""
    parent = os.fork()
    if parent == 0:
        for _ in range(count):
            if os.fork() == 0:
                os._exit(0)
        os._exit(0)
    os.waitpid(parent, 0)


def sleeping_orphan():
    parent = os.fork()
    if parent == 0:
        if os.fork() == 0:
            signal.pause()
        os._exit(0)
    os.waitpid(parent, 0)


def listen():
    """What sd_listen_fds(3) does, and sd_watchdog_enabled(3): says "ready", what each variable is worth ("mine", "other"
    or "none"), and where the sockets listen."""
    def check(name, own):
        value = os.environ.get(name)
        return "none" if value is None else "mine" if int(value) == own else "other"
    pidfd = os.pidfd_open(os.getpid())
    words = [check("LISTEN_PID", os.getpid()), check("WATCHDOG_PID", os.getpid()),
             check("LISTEN_PIDFDID", os.fstat(pidfd).st_ino)]
    os.close(pidfd)
    for fd in range(4, 4 + int(os.environ["LISTEN_FDS"])):  # for 3 is out
        words.append(socket.socket(fileno=fd).getsockname())
    say("ready", *words)


def leave(how):
    """A process that on SIGTERM says "bye" and ends, that is "deaf" to it, that is "stopped" when it comes, that is
    "away", in a session of its own, or that "alarms" PID 1 for ever. It says so first. Or "wait", the application itself,
    for a signal."""
    read, write = os.pipe()
    if os.fork() == 0:
        if how == "away":
            os.setsid()
        raw.set_mask(raw.ALL)
        say("left", how, os.getpid())
        os.close(write)
        if how == "stopped":
            os.kill(os.getpid(), signal.SIGSTOP)
        while how == "deaf":
            signal.pause()
        while how == "alarms":
            if os.getppid() == 1:  # the application has ended
                os.kill(1, signal.SIGALRM)
        while raw.take_signal()[0] != signal.SIGTERM:
            pass
        say("bye", how)
        os._exit(0)
    os.close(write)
    if how == "stopped":
        os.waitid(os.P_ALL, 0, os.WSTOPPED)
    else:
        os.read(read, 1)  # until it is ready


def join_a_helper():
    helper = os.fork()
    if helper == 0:
        signal.pause()
    os.setpgid(helper, helper)
    os.setpgid(0, helper)


def orphan():
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:
        if os.fork() != 0:
            os._exit(0)
        os.close(write)
        os.read(read, 1)  # until the parent's parent has seen the parent's end
        say(os.getppid())
        os._exit(0)
    os.waitpid(parent, 0)
    os.close(write)


def traced(end=None):
    try:
        raw.be_traced()
    except OSError as error:
        say("refused", error.errno)
    if end is not None:
        os._exit(end)
    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, lambda number, _: say("got", number))
    say("ready 0")
    idle()


def traced_orphans(count):
    """Each is this process's grandchild, so that its parent is the init before it asks."""
    parent = os.getpid()
    helper = os.fork()
    if helper == 0:
        middle = os.getpid()
        for _ in range(count):
            if os.fork() == 0:
                while os.getppid() == middle:
                    pass
                raw.be_traced()
                os._exit(0)
        os._exit(0)
    os.waitpid(helper, 0)
    assert parent == os.getpid()


PING = 64


def dispositions(how):
    """Says which signals it gets; and "ping" for PING, whatever it does with the others: which it leaves at their
    "default", has "ignored", "handled" or "blocked", or waits for, being "waited"."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, PING}:
        action = {"ignored": signal.SIG_IGN, "handled": lambda number, _: say(number)}.get(how, signal.SIG_DFL)
        signal.signal(number, action)
    signal.signal(PING, lambda *_: say("ping"))
    if how == "blocked":
        raw.set_mask(raw.ALL & ~(1 << (PING - 1)))
    if how == "waited":
        raw.set_mask(raw.ALL)
        say("ready 0")
        while True:
            number, _, _ = raw.take_signal()
            say("ping" if number == PING else number)
    say("ready 0")
    idle()


def look(who, kind):
    """On SIGUSR1 has a child look at process 1: of the same rights, as one "without capabilities", or as "another" user.
    Before, the application makes itself not "dumpable", if `kind` says so. The child says what was refused."""
    if kind != "dumpable":
        raw.set_dumpable(0)
    await_start()
    helper = os.fork()
    if helper == 0:
        if who == "another":
            os.setresuid(*[12345] * 3)
        if who != "same":
            raw.drop_capabilities()
        def attempt(action):
            try:
                action()
                return "yes"
            except OSError as error:
                return str(error.errno)
        say("look", attempt(lambda: open("/proc/1/environ", "rb").close()), attempt(lambda: open("/proc/1/mem", "rb").close()),
            attempt(lambda: os.readlink("/proc/1/fd/1")), attempt(lambda: open("/proc/1/fd/1", "wb").close()),
            attempt(lambda: raw.trace(1)))
        os._exit(0)
    os.waitpid(helper, 0)
    while True:
        signal.pause()


def record_what_comes(what, *words):
    """The modes that record, by the rest of the mode's name."""
    if what == "record-with-orphan":
        sleeping_orphan()
    raw.set_mask(raw.ALL)
    if what == "record-elsewhere":
        join_a_helper()
    if what == "record-as":
        os.setresuid(*[int(words[0])] * 3)
    helper = 0
    if what == "record-with-helper":
        helper = os.fork()
        if helper == 0:
            record("helper")
    say("ready", helper)
    record()


def make_on_demand(make, count):
    await_start()
    make(int(count))
    say("made")
    signal.pause()


def exec_in_thread(code):
    await_start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
    script = f"echo execed >&{out}; read x; exit {code}"
    threading.Thread(target=os.execv, args=("/bin/sh", ["sh", "-c", script])).start()
    signal.pause()


def leave_all(*hows):
    for how in hows:
        if how == "wait":
            say("left", how, os.getpid())
            signal.pause()
        leave(how)
    os._exit(7)


def end_first_thread():
    threading.Thread(target=time.sleep, args=(1000,)).start()
    say("ready 0")
    ctypes.CDLL(None).pthread_exit(None)


def show_orphan():
    orphan()
    say("parent", os.getpid())
    signal.pause()


MODES = {
    "orphans": lambda count: make_on_demand(orphans, count),
    "exec-in-thread": exec_in_thread,
    "leave": leave_all,
    "listen": listen,
    "traced": traced,
    "traced-exit": lambda code: traced(int(code)),
    "traced-orphans": lambda count: make_on_demand(traced_orphans, count),
    "second-thread": end_first_thread,
    "dispositions": dispositions,
    "look": look,
    "orphan": show_orphan,
}


def main():
    what, *words = sys.argv[2:]
    if what.startswith("record"):
        record_what_comes(what, *words)
    MODES[what](*words)


main()
