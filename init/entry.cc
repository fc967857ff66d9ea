// The assembly: entry point, and a new process on a stack of its own. See kernel.h.

#if defined(__x86_64__)

// At entry the stack pointer is at argc (System V ABI for x86-64, 3.4.1). The stack goes on from a page
// border, so that the frames that stay fit one page. clone(2) takes flags, stack, two thread-id pointers and
// a thread pointer; with the flags used here it does not read the last, so r8 and r9, which the kernel
// preserves, carry function and argument into the child.
asm(R"(
    .text
    .globl _start
    .type _start, @function
_start:
    xorl  %ebp, %ebp
    movq  %rsp, %rdi
    andq  $-4096, %rsp
    call  runi_start
    hlt

    .globl runi_spawn
    .type runi_spawn, @function
runi_spawn:
    movq  %rdi, %rax
    movq  %rsi, %rdi
    movq  %rdx, %rsi
    movq  %r9, %rdx
    leaq  4(%r9), %r10
    movq  %r8, %r9
    movq  %rcx, %r8
    syscall
    testq %rax, %rax
    jnz   1f
    movq  %rsi, %rsp
    xorl  %ebp, %ebp
    movq  %r9, %rdi
    call  *%r8
    hlt
1:  ret
)");

#elif defined(__aarch64__)

// As above; svc preserves every register but x0.
asm(R"(
    .text
    .globl _start
    .type _start, %function
_start:
    mov   x29, #0
    mov   x30, #0
    mov   x0, sp
    and   sp, x0, #-65536  // the largest page there is
    bl    runi_start
    brk   #1

    .globl runi_spawn
    .type runi_spawn, %function
runi_spawn:
    mov   x8, x0
    mov   x0, x1
    mov   x1, x2
    mov   x7, x2
    mov   x2, x5
    mov   x6, x4
    add   x4, x5, #4
    mov   x5, x3
    svc   #0
    cbnz  x0, 1f
    mov   sp, x7
    mov   x29, #0
    mov   x30, #0
    mov   x0, x6
    blr   x5
    brk   #1
1:  ret
)");

#endif
