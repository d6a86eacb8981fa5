package inforce

import (
	"cmp"
	"debug/buildinfo"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// Images returns the image of the container that a mount namespace and a cgroup belong to, "" if they belong to none.
type Images func(mntns uint32, cgroup string) string

// UseImages makes the registry take the versions of products from the images of their containers.
func (r *Registry) UseImages(images Images) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.images = images
}

// knownVersion is the version that was found for a set of programs.
type knownVersion struct {
	programs []ebpf.ProgramID
	text     string
}

// addVersions fills in the versions of products. Finding one means looking at every process, so the result is kept as
// long as the product has the same programs.
func (r *Registry) addVersions(all []Enforcer) {
	var holders map[ebpf.ProgramID][]lsm.Holder
	for i := range all {
		e := &all[i]
		known, ok := r.versions[e.Name]
		if !ok || !slices.Equal(known.programs, e.IDs()) {
			if holders == nil {
				holders, _ = lsm.Holders() // without them, the layout of the maps decides
			}
			known = knownVersion{e.IDs(), r.version(*e, holders)}
			if r.versions == nil {
				r.versions = map[string]knownVersion{}
			}
			r.versions[e.Name] = known
		}
		e.Version = known.text
	}
}

// version returns the version of a product: that of the image or of the binary of the process that holds its programs,
// else the versions that its maps fit, else "".
func (r *Registry) version(e Enforcer, holders map[ebpf.ProgramID][]lsm.Holder) string {
	text := ""
	if holder, ok := oldest(e.Programs, holders); ok {
		dir := fmt.Sprintf("/proc/%d", holder.PID)
		text = cmp.Or(r.imageVersion(dir), binaryVersion(dir))
	}
	if reader, ok := r.readers[e.Name]; ok {
		text = cmp.Or(text, enforcer.Layout(reader.Reader))
	}
	return text
}

func (r *Registry) imageVersion(dir string) string {
	if r.images == nil {
		return ""
	}
	mntns, err := kernel.MountNamespace(dir)
	if err != nil {
		return ""
	}
	cgroups, _ := kernel.ReadCgroups(dir) // the mount namespace may suffice
	return tagVersion(r.images(mntns, kernel.ContainerCgroup(cgroups)))
}

// tagVersion returns the version in the tag of an image: varmor/agent:v0.10.3.
func tagVersion(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, tag, ok := strings.Cut(path.Base(image), ":")
	if !ok {
		return ""
	}
	return clean(tag)
}

// binaryVersion returns the version of the program that a process runs. Go writes it into binaries. systemd's has it in
// the name of the library that all of systemd shares.
func binaryVersion(dir string) string {
	if info, err := buildinfo.ReadFile(dir + "/exe"); err == nil {
		return goVersion(info)
	}
	maps, err := os.ReadFile(dir + "/maps")
	if err != nil {
		return ""
	}
	if m := systemdLibrary.FindSubmatch(maps); m != nil {
		return clean("v" + string(m[1]))
	}
	return ""
}

var systemdLibrary = regexp.MustCompile(`/libsystemd-shared-([0-9][^/\s]*)\.so`)

// goVersion returns the version that -ldflags sets in a variable, else that of the main module.
func goVersion(info *buildinfo.BuildInfo) string {
	text := ""
	for _, s := range info.Settings {
		if s.Key != "-ldflags" {
			continue
		}
		for _, m := range linkedVersion.FindAllStringSubmatch(s.Value, -1) {
			own := m[1] == "main" || strings.HasPrefix(m[1], info.Main.Path+"/")
			if v := clean(m[2]); v != "" && (own || text == "") {
				text = v
			}
		}
	}
	return cmp.Or(text, clean(info.Main.Version))
}

// linkedVersion matches -X 'main.gitVersion=v0.10.3': the package, and the value.
var linkedVersion = regexp.MustCompile(`-X[ =]['"]?([^\s'"=]+)\.(?i:git|build)?(?i:version)=([^\s'"]+)`)

// clean returns a text from a foreign file or image if it is a version, else "". The version that Go gives to a commit
// without any release before it is none.
func clean(text string) string {
	const longest = 64
	if len(text) > longest || !versionForm.MatchString(text) || strings.HasPrefix(text, "v0.0.0-") {
		return ""
	}
	return text
}

var versionForm = regexp.MustCompile(`^v?[0-9]+[-+.~0-9A-Za-z_]*$`)
