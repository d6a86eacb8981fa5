// Package vmtest runs a shell line or a test binary in a QEMU guest with a chosen kernel.
//
// The guest has no disk image: one static Go binary, the runner itself, is put into an initramfs as /init beside
// busybox and the files asked for. As process 1 it mounts what a profiler expects, runs the command and streams stdout,
// stderr and the exit status over a serial port of its own, apart from the kernel's console. Files come out over a raw
// NVMe disk, the one block device whose driver every Debian cloud kernel has built in.
package vmtest
