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
"""

import os
import signal
import socket
import sys
import threading

import raw

out = int(sys.argv[1])


def say(*words):
    os.write(out, (" ".join(map(str, words)) + "\n").encode())


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
    """A process that on SIGTERM says "bye" and ends, that is "deaf" to it, that is "stopped" when it comes, or that is
    "away", in a session of its own. It says so first. Or "wait", the application itself, for a signal."""
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


def main():
    what = sys.argv[2]
    if what.startswith("record"):
        if what == "record-with-orphan":
            sleeping_orphan()
        raw.set_mask(raw.ALL)
        if what == "record-elsewhere":
            join_a_helper()
        if what == "record-as":
            os.setresuid(*[int(sys.argv[3])] * 3)
        helper = 0
        if what == "record-with-helper":
            helper = os.fork()
            if helper == 0:
                record("helper")
        say("ready", helper)
        record()
    elif what == "orphans":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        say("ready 0")
        signal.sigwait([signal.SIGUSR1])
        orphans(int(sys.argv[3]))
        say("made")
        signal.pause()
    elif what == "exec-in-thread":
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        say("ready 0")
        signal.sigwait([signal.SIGUSR1])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
        script = f"echo execed >&{out}; read x; exit {sys.argv[3]}"
        threading.Thread(target=os.execv, args=("/bin/sh", ["sh", "-c", script])).start()
        signal.pause()
    elif what == "leave":
        for how in sys.argv[3:]:
            if how == "wait":
                say("left", how, os.getpid())
                signal.pause()
            leave(how)
        os._exit(7)
    elif what == "listen":
        listen()
    elif what == "orphan":
        orphan()
        say("parent", os.getpid())
        signal.pause()


main()
