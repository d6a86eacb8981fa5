package vmtest

// guestSpec is what the host tells the guest's init, as JSON in the initramfs.
type guestSpec struct {
	Kernel string   // as the user named it: 6.1, newest, /path/vmlinuz
	Args   []string // the command
	Dir    string
	Env    []string
	Icount bool
	Out    []string // guest paths to save to the disk after the command
}

const (
	initPath = "/init"
	specPath = "/etc/vmtest.json"
	outDisk  = "/dev/nvme0n1"

	// envGuest and envIcount tell the tests in the guest where they are.
	envGuest  = "LSMPROF_GUEST"
	envIcount = "LSMPROF_ICOUNT"
	// EnvOneKernel names the guest for OnOneKernel; unset, any will do.
	EnvOneKernel = "LSMPROF_ONE_KERNEL"
)
