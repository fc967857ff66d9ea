"""The engines that system tests are repeated over: for_each_engine makes a test class for each."""

import sys

from bed.bundle import Crun, Runc
from bed.case import Case
from bed.containerd import Ctr
from bed.cri import Cri
from bed.docker import Docker
from bed.podman import Podman, PodmanCrun

OCI = (Runc, Crun)
ALL = (Runc, Crun, Podman, PodmanCrun, Ctr, Cri, Docker)
WITH_INPUT = tuple(engine for engine in ALL if engine is not Cri)  # attaching to CRI needs a streaming client


def for_each_engine(*engines):
    """Class decorator: for every engine, a copy of the class as a Case whose setUp() has made self.engine.

    The decorated class itself, a plain class, is not a test.
    """
    def decorate(tests):
        module = sys.modules[tests.__module__]
        for engine in engines:
            def set_up(self, engine=engine):
                Case.setUp(self)
                self.engine = engine(self)
            name = f"{tests.__name__}_{engine.__name__}"
            setattr(module, name, type(name, (tests, Case), {"__module__": tests.__module__, "setUp": set_up}))
        return tests
    return decorate
