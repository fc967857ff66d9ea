#!/usr/bin/python3
"""Checks that libraries import no system call: only one another, and functions that compute.

    imports.py LIBRARY...    exits 0, or 1 after a line for each symbol that is not allowed; 77 without nm(1)

Inline assembly is not seen here; test_includes.py keeps init/kernel.h, which has some, away.
"""

import collections
import os
import re
import shutil
import subprocess
import sys

SKIPPED = 77

# Neither the kernel nor the process's surroundings are asked: no file, no clock, no environment, no lock. malloc(3) does
# ask the kernel, but decides nothing by the answer; it is reached through operator new.
ALLOWED = re.compile("|".join((
    # C. The variants with underscores are the same, compiled with _FORTIFY_SOURCE or for another version of C.
    r"mem(chr|cmp|cpy|move|rchr|set)", r"__mem(cpy|move|set)_chk", r"str(chr|cmp|len|ncmp|nlen)",
    r"(__isoc23_)?strto(d|l|ll|ul|ull)", r"v?snprintf", r"__v?snprintf_chk", r"abort", r"localeconv", r"__errno_location",
    # C++, and what the compiler adds.
    r"operator (new|delete)(\[\])?\(.*\)", r"__cxa_\w+", r"_Unwind_Resume", r"__gxx_personality_v0", r"__cxxabiv1::\w+",
    r"__libc_single_threaded", r"__stack_chk_fail", r"__stack_chk_guard", r"_GLOBAL_OFFSET_TABLE_", r"__dso_handle",
    # Its library: containers, text, errors. A stream is a string's; one of a file or a terminal has another type.
    r"std::(__throw_|_Rb_tree_|_Hash_bytes|__detail::|__glibcxx_assert_fail|terminate|nothrow|get_new_handler).*",
    r"std::(bad_\w+|exception|logic_error|runtime_error|out_of_range|length_error|invalid_argument)\b.*",
    r"std::(from_chars|to_chars)\(.*", r"std::(__cxx11::)?basic_(string|stringstream|stringbuf|ostringstream)<.*",
    r"std::(ios_base|locale)::.*", r"std::basic_(ios|streambuf|iostream)<.*",
    r"(.* )?std::(istream|ostream)(::|&).*",
    # libseccomp's table of names.
    r"seccomp_syscall_resolve_name",
)))


def symbols_of(library):
    """The symbols that it defines, and the set of objects that import each of the others."""
    listed = subprocess.run(["nm", "--demangle", library], capture_output=True, text=True, check=True).stdout
    defined, imported = set(), collections.defaultdict(set)
    member = None
    for line in listed.splitlines():
        if line.endswith(".o:"):
            member = line[:-1]
            continue
        found = re.fullmatch(r"[0-9a-f ]{16} (\w) (.*)", line)
        if not found:
            continue
        kind, name = found.groups()
        if kind in "Uw":
            imported[name].add(member)
        else:
            defined.add(name)
    return defined, imported


def is_allowed(symbol):
    return ALLOWED.fullmatch(re.sub(r"^(vtable|VTT|typeinfo|typeinfo name) for ", "", symbol))


def main(libraries):
    if not libraries:
        sys.exit(__doc__)
    if not shutil.which("nm"):
        print("SKIPPED imports: needs nm: not installed")
        return SKIPPED
    symbols = {os.path.basename(library): symbols_of(library) for library in libraries}
    everywhere = set().union(*(defined for defined, _ in symbols.values()))
    wrong = []
    for library, (defined, imported) in symbols.items():
        if not defined:
            wrong.append(f"{library}: nm finds no symbol")
        wrong += [f"{library}: {', '.join(sorted(members))}: {symbol}" for symbol, members in sorted(imported.items())
                  if symbol not in everywhere and not is_allowed(symbol)]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
