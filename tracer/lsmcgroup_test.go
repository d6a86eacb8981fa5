package tracer

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"golang.org/x/sys/unix"
)

// progLoad is the beginning of union bpf_attr for BPF_PROG_LOAD.
type progLoad struct {
	kind, instructions       uint32
	code, license            uint64
	logLevel, logSize        uint32
	log                      uint64
	kernel, flags            uint32
	name                     [16]byte
	device, attach, btf      uint32
	funcSize                 uint32
	funcs                    uint64
	funcCount, lineSize      uint32
	lines                    uint64
	lineCount, hook, hookBTF uint32
	_                        uint32
}

// loadLSMCgroup loads a program of a cgroup. cilium/ebpf v0.22 does not look up the hook of such programs.
func loadLSMCgroup(t *testing.T, name, hook string, body ...asm.Instruction) *ebpf.Program {
	t.Helper()
	vmlinux, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var function *btf.Func
	if err := vmlinux.TypeByName(lsm.HookPrefix+hook, &function); err != nil {
		t.Fatal(err)
	}
	id, err := vmlinux.TypeID(function)
	if err != nil {
		t.Fatal(err)
	}
	var types btf.Builder
	funcs, _, err := btf.MarshalExtInfos(described(name, body), &types)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := btf.NewHandle(&types)
	if err != nil {
		t.Fatal(err)
	}
	defer handle.Close()
	var code bytes.Buffer
	if err := asm.Instructions(body).Marshal(&code, binary.LittleEndian); err != nil {
		t.Fatal(err)
	}
	license := []byte("GPL\x00")
	attr := progLoad{
		kind: uint32(ebpf.LSM), attach: uint32(ebpf.AttachLSMCgroup), hook: uint32(id),
		instructions: uint32(code.Len() / asm.InstructionSize), code: address(code.Bytes()),
		license: address(license), btf: uint32(handle.FD()),
		funcSize: btf.FuncInfoSize, funcCount: uint32(len(funcs)) / btf.FuncInfoSize, funcs: address(funcs),
	}
	copy(attr.name[:15], name)
	fd, _, errno := unix.Syscall(unix.SYS_BPF,
		unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive([][]byte{code.Bytes(), license, funcs})
	if errno != 0 {
		t.Fatalf("load %s: %v", name, errno)
	}
	prog, err := ebpf.NewProgramFromFD(int(fd))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(&b[0]))) }
