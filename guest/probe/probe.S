# A boot sector that ends QEMU with status 85 if the processor runs 64-bit code as it should, and with another one, or never, if not.
# Among its instructions is the one that tells KVM hosts apart that accept guests and cannot run them: lock cmpxchg16b.
#
#   as probe.S -o probe.o && ld -Ttext=0x7c00 --oformat binary -o probe.bin probe.o
#
# AcceleratorProbe has the 512 bytes, as text in base 64.
.code16
.globl _start
_start:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw $0x7c00, %sp

    # The first 2 MiB, mapped onto themselves: three tables of 4 KiB from 0x1000 on.
    movw $0x1000, %di
    movw $0x1800, %cx
    rep stosw
    movw $0x2003, 0x1000
    movw $0x3003, 0x2000
    movw $0x0083, 0x3000
    movl $0x1000, %eax
    movl %eax, %cr3

    # Physical addresses of more than 32 bits and SSE, then long mode, then paging with protection.
    movl %cr4, %eax
    orl $0x220, %eax
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    lgdt table_place
    movl %cr0, %eax
    orl $0x80000001, %eax
    movl %eax, %cr0
    ljmp $8, $long_mode

.code64
long_mode:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss

    # Often enough that an emulation of the instruction is met too. Each round replaces 16 bytes by those of the next.
    movl $10000, %esi
    movl $0x8000, %edi
    xorl %eax, %eax
    xorl %edx, %edx
    movq %rax, (%rdi)
    movq %rax, 8(%rdi)
round:
    leaq 1(%rax), %rbx
    leaq 2(%rdx), %rcx
    lock cmpxchg16b (%rdi)
    jnz wrong
    movq (%rdi), %rax
    movq 8(%rdi), %rdx
    cmpq %rbx, %rax
    jne wrong
    cmpq %rcx, %rdx
    jne wrong
    decl %esi
    jnz round

    movdqa (%rdi), %xmm0
    movq %xmm0, %rax
    cmpq %rbx, %rax
    jne wrong
    # isa-debug-exit ends QEMU with twice this and one.
    movb $42, %al
    outb %al, $0xf4
wrong:
    movb $1, %al
    outb %al, $0xf4
stop:
    hlt
    jmp stop

    .balign 8
table:
    .quad 0
    .quad 0x00209a0000000000    # code, 64 bits
    .quad 0x0000920000000000    # data
table_place:
    .word table_place - table - 1
    .long table

    .org 510
    .word 0xaa55
