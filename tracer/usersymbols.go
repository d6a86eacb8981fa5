package tracer

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/profile"
)

// Any user may own the processes whose stacks are sampled, and they choose what lies at every path that they map.
// lsmprof reads their files as root, so it bounds what it reads and keeps. Functions beyond these bounds are shown as
// numbers.
const (
	maxMaps       = 8 << 20   // of /proc/PID/maps, bytes
	maxMappings   = 1 << 13   // of a process, executable ones
	maxMapsAtOnce = 64 << 20  // of all processes between two polls, bytes
	maxReadAtOnce = 320 << 20 // of all files between two polls, bytes: more than readELF reads of one
	maxELFFiles   = 256       // kept
	maxELFSymbols = 128 << 20 // kept, bytes
)

// mapping is a line of /proc/PID/maps.
type mapping struct {
	start, end, offset uint64
	file               string // path as the process sees it, [vdso], "" for anonymous memory
}

// readMaps reads lines like `7f00-7f10 r-xp 00001000 fe:01 4711   /usr/lib/libc.so.6`, and keeps those of executable
// memory. The kernel sorts them by address.
func readMaps(r io.Reader) (all []mapping, _ error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() && len(all) < maxMappings {
		f := strings.Fields(lines.Text())
		if len(f) < 5 || !strings.Contains(f[1], "x") {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		var m mapping
		var errs [3]error
		m.start, errs[0] = strconv.ParseUint(from, 16, 64)
		m.end, errs[1] = strconv.ParseUint(to, 16, 64)
		m.offset, errs[2] = strconv.ParseUint(f[2], 16, 64)
		if cmp.Or(errs[0], errs[1], errs[2]) != nil {
			continue
		}
		if len(f) > 5 {
			// A name may contain spaces; the kernel pads in front of it.
			m.file = strings.TrimSuffix(lines.Text()[strings.Index(lines.Text(), f[5]):], " (deleted)")
		}
		all = append(all, m)
	}
	return all, lines.Err()
}

// userSymbols names addresses in processes. Each poll creates a new one: a process maps other files after every exec,
// and its id is reused after its end. The symbols of the files stay.
type userSymbols struct {
	proc      string
	processes map[uint32][]mapping
	opened    map[openedFile]*elfSymbols // nil: cannot be read
	files     *elfFiles
	maps      int64         // bytes of /proc/PID/maps that may still be read
	read      *atomic.Int64 // bytes of files that may still be read
}

// openedFile is a path in a process's root.
type openedFile struct {
	pid  uint32
	path string
}

func newUserSymbols(files *elfFiles) *userSymbols {
	u := &userSymbols{
		proc: "/proc", processes: map[uint32][]mapping{}, opened: map[openedFile]*elfSymbols{}, files: files,
		maps: maxMapsAtOnce, read: new(atomic.Int64),
	}
	u.read.Store(maxReadAtOnce)
	return u
}

// frames names a user stack. All but the innermost are return addresses, which may already belong to the next function.
func (u *userSymbols) frames(pid uint32, stack []uint64) (out []profile.Frame) {
	for i, address := range stack {
		at := address
		if i > 0 {
			at--
		}
		f := u.frame(pid, at)
		f.Address, f.Offset = address, f.Offset+address-at
		out = append(out, f)
	}
	return out
}

func (u *userSymbols) frame(pid uint32, address uint64) profile.Frame {
	maps, known := u.processes[pid]
	if !known {
		maps = u.mappings(pid)
		u.processes[pid] = maps
	}
	// The first mapping that ends behind the address.
	i, _ := slices.BinarySearchFunc(maps, address, func(m mapping, at uint64) int {
		if m.end > at {
			return 1
		}
		return -1
	})
	if i == len(maps) || address < maps[i].start {
		return profile.Frame{Module: "[unknown]", Offset: address}
	}
	m := maps[i]
	f := profile.Frame{Module: cmp.Or(m.file, "[anonymous]"), Offset: address - m.start + m.offset}
	if s := u.symbols(openedFile{pid, m.file}); s != nil {
		f.Function, f.Offset = s.symbol(f.Offset)
	}
	return f
}

// mappings returns the executable mappings of a process, none if they cannot be read.
func (u *userSymbols) mappings(pid uint32) []mapping {
	type result struct {
		maps []mapping
		read int64
	}
	path, most := filepath.Join(u.dir(pid), "maps"), min(maxMaps, u.maps)
	r, _ := within(&u.files.stuck, maxWait, func() (r result) {
		f, err := os.Open(path)
		if err != nil {
			return r
		}
		defer f.Close()
		limited := &io.LimitedReader{R: f, N: most}
		r.maps, _ = readMaps(limited)
		r.read = most - limited.N
		return r
	}, func(result) {})
	u.maps -= r.read
	return r.maps
}

func (u *userSymbols) dir(pid uint32) string { return filepath.Join(u.proc, fmt.Sprint(pid)) }

// symbols returns the symbols of a file that a process has mapped, nil if it has none.
func (u *userSymbols) symbols(file openedFile) *elfSymbols {
	if !strings.HasPrefix(file.path, "/") {
		return nil
	}
	s, known := u.opened[file]
	if !known {
		s = u.readSymbols(file)
		u.opened[file] = s
	}
	return s
}

// readSymbols is symbols without the cache by path.
func (u *userSymbols) readSymbols(file openedFile) *elfSymbols {
	type opened struct {
		f  *os.File
		id fileID
	}
	root := filepath.Join(u.dir(file.pid), "root")
	o, _ := within(&u.files.stuck, maxWait, func() (o opened) {
		o.f, o.id, _ = openInRoot(root, file.path)
		return o
	}, func(o opened) { o.f.Close() })
	if o.f == nil {
		return nil
	}
	if s, known := u.files.byID[o.id]; known {
		o.f.Close()
		return s
	}
	type parsed struct {
		symbols *elfSymbols
		err     error
	}
	p, ok := within(&u.files.stuck, maxWait, func() (p parsed) {
		defer o.f.Close()
		p.symbols, p.err = readELF(budgetReader{o.f, u.read})
		return p
	}, func(parsed) {})
	if !ok || errors.Is(p.err, errBudget) {
		return nil // not kept: a later poll tries again
	}
	return u.files.keep(o.id, p.symbols)
}

// openInRoot opens a regular file for reading. It resolves the path, symbolic links included, as if root were the
// root directory. Opening a FIFO can block, and opening a device can have effects of its own, so it looks at the file
// before it opens it: O_PATH pins the file without opening it, and /proc/self/fd opens the file that was pinned,
// whatever lies at the path by then.
func openInRoot(root, path string) (_ *os.File, id fileID, err error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, id, fmt.Errorf("open %s: %w", root, err)
	}
	defer unix.Close(dir)
	pinned, err := unix.Openat2(dir, path, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return nil, id, fmt.Errorf("find %s in %s: %w", path, root, err)
	}
	defer unix.Close(pinned)
	var info unix.Stat_t
	if err := unix.Fstat(pinned, &info); err != nil {
		return nil, id, fmt.Errorf("stat %s in %s: %w", path, root, err)
	}
	if info.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, id, fmt.Errorf("%s in %s: %w", path, root, errNotRegular)
	}
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", pinned), flags, 0)
	if err != nil {
		return nil, id, fmt.Errorf("open %s in %s: %w", path, root, err)
	}
	return os.NewFile(uintptr(fd), path), fileID{info.Dev, info.Ino, info.Size, info.Mtim, info.Ctim}, nil
}

var errNotRegular = errors.New("not a regular file")

// fileID identifies the contents of a file. Processes in many containers share one file.
type fileID struct {
	dev, inode        uint64
	size              int64
	modified, changed unix.Timespec
}

// budgetReader reads from a file until what is left is used up.
type budgetReader struct {
	io.ReaderAt
	left *atomic.Int64
}

var errBudget = errors.New("too much to read at once")

func (b budgetReader) ReadAt(p []byte, offset int64) (int, error) {
	if b.left.Load() < int64(len(p)) {
		return 0, errBudget
	}
	n, err := b.ReaderAt.ReadAt(p, offset)
	b.left.Add(-int64(n))
	return n, err
}

// elfFiles keeps the symbols of executables and libraries, for all processes that have them mapped.
type elfFiles struct {
	byID  map[fileID]*elfSymbols // nil: cannot be read
	size  int                    // of all, bytes
	stuck stuckReads
}

func newELFFiles() *elfFiles { return &elfFiles{byID: map[fileID]*elfSymbols{}} }

// keep keeps the symbols of a file, and returns them. It keeps nil if there are none, or too many.
func (e *elfFiles) keep(id fileID, s *elfSymbols) *elfSymbols {
	size := 0
	if s != nil {
		size = s.size
	}
	if size > maxELFSymbols {
		s, size = nil, 0
	}
	if e.size+size > maxELFSymbols || len(e.byID) >= maxELFFiles {
		clear(e.byID)
		e.size = 0
	}
	e.byID[id] = s
	e.size += size
	return s
}
