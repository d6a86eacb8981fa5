package vmtest

import (
	"fmt"
	"io"
	"io/fs"
)

// Mode bits of a cpio header, as in stat(2).
const (
	modeRegular   = 0o100000
	modeDir       = 0o040000
	modeSymlink   = 0o120000
	modeCharDev   = 0o020000
	cpioTrailer   = "TRAILER!!!"
	cpioMaxMember = 1 << 31
)

// cpioWriter writes the "newc" format that the kernel unpacks as an initramfs. The first error sticks.
type cpioWriter struct {
	w     io.Writer
	ino   int
	wrote int64
	err   error
}

// device is the number of a character device.
type device struct{ major, minor uint32 }

func (c *cpioWriter) dir(name string) { c.member(name, modeDir|0o755, device{}, 0, nil) }

func (c *cpioWriter) charDev(name string, d device) {
	c.member(name, modeCharDev|0o600, d, 0, nil)
}

func (c *cpioWriter) symlink(name, target string) {
	c.member(name, modeSymlink|0o777, device{}, int64(len(target)), readString(target))
}

func (c *cpioWriter) file(name string, perm fs.FileMode, size int64, body io.Reader) {
	c.member(name, modeRegular|uint32(perm.Perm()), device{}, size, body)
}

// close writes the trailer and returns the first error.
func (c *cpioWriter) close() error {
	c.member(cpioTrailer, 0, device{}, 0, nil)
	return c.err
}

func (c *cpioWriter) member(name string, mode uint32, d device, size int64, body io.Reader) {
	if c.err != nil {
		return
	}
	if size >= cpioMaxMember {
		c.err = fmt.Errorf("%s: %d bytes are too many for an initramfs", name, size)
		return
	}
	c.ino++
	// magic ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
	c.print(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		c.ino, mode, 0, 0, 1, 0, size, 0, 0, d.major, d.minor, len(name)+1, 0))
	c.print(name + "\x00")
	c.pad()
	if c.err == nil && size > 0 {
		var n int64
		n, c.err = io.CopyN(c.w, body, size)
		c.wrote += n
	}
	if c.err != nil {
		c.err = fmt.Errorf("initramfs: %s: %w", name, c.err)
		return
	}
	c.pad()
}

// pad aligns header and body to four bytes, as the format requires.
func (c *cpioWriter) pad() {
	if n := c.wrote % 4; n != 0 {
		c.print("\x00\x00\x00"[:4-n])
	}
}

func (c *cpioWriter) print(s string) {
	if c.err != nil {
		return
	}
	var n int
	n, c.err = io.WriteString(c.w, s)
	c.wrote += int64(n)
}
