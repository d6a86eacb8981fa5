package kernel

// counterFrequency returns the frequency of the CPU's counter in Hz, which the kernel's clock source arch_sys_counter
// reads. Linux lets user space read it, because the vDSO needs the counter.
func counterFrequency() uint64
