/* The kernel's entry point has argc on top of the stack. start() needs only that address. */

#if defined(__x86_64__)
asm(".globl _start\n"
    "_start:\n"
    "	xor %ebp, %ebp\n"
    "	mov %rsp, %rdi\n"
    "	and $-16, %rsp\n"
    "	call start\n"
    "	hlt\n"
    ".globl signal_return\n"
    "signal_return:\n"
    "	mov $15, %eax\n" /* rt_sigreturn */
    "	syscall\n");
#elif defined(__aarch64__)
asm(".globl _start\n"
    "_start:\n"
    "	mov x29, #0\n"
    "	mov x30, #0\n"
    "	mov x0, sp\n"
    "	bl start\n"
    "	brk #1\n");
#endif
