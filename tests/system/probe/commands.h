// The commands of probe that have files of their own; main.cc explains them.
#pragma once

// Both return the exit status.
int print_facts(char** argv);
int print_write_attempts(char** files);

[[noreturn]] void hold_lease(const char* path);
