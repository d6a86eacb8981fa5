package vmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// apt is a private instance of apt with its own sources, lists and cache. It takes only the mirrors from the machine's
// own, and needs no foreign architecture to be added to the machine.
type apt struct {
	arch Arch
	dir  string
	log  io.Writer
}

// newApt makes an instance for packages of an architecture. The caller must remove its dir.
func newApt(arch Arch, log io.Writer) (apt, error) {
	for _, tool := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return apt{}, fmt.Errorf("%w: fetching it needs %s; or set KERNEL=PATH", ErrUnreachable, tool)
		}
	}
	// Below /tmp rather than the cache: as root, apt downloads as a user of its own who cannot enter /root.
	dir, err := os.MkdirTemp("", "lsmprof-apt-")
	if err != nil {
		return apt{}, err
	}
	return apt{arch, dir, log}, os.Chmod(dir, 0o755)
}

// fetchKernel writes vmlinuz and version to dir, both or neither.
func fetchKernel(ctx context.Context, name, dir string, log io.Writer) error {
	a, err := newApt(ArchOf(name), log)
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.dir)
	fmt.Fprintf(log, "vm: fetching kernel %s with apt (once; cached in %s)\n", name, dir)
	deb, version, err := a.kernelPackage(ctx, name)
	if err != nil {
		return err
	}
	vmlinuz, err := a.unpack(ctx, deb, "boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz", "lib/modules/*/vmlinuz")
	if err != nil {
		return err
	}
	return install(dir, vmlinuz, "vmlinuz", version)
}

// fetchBusybox writes the shell of arm64 guests to dir.
func fetchBusybox(ctx context.Context, arch Arch, dir string, log io.Writer) error {
	a, err := newApt(arch, log)
	if err != nil {
		return err
	}
	defer os.RemoveAll(a.dir)
	fmt.Fprintf(log, "vm: fetching busybox for %s with apt (once; cached in %s)\n", arch.Name, dir)
	sources, err := debianSources(ctx, arch, suites("6.1"))
	if err != nil {
		return err
	}
	if err := a.update(ctx, sources); err != nil {
		return err
	}
	deb, version, err := a.download(ctx, "busybox-static")
	if err != nil {
		return err
	}
	busybox, err := a.unpack(ctx, deb, "bin/busybox", "usr/bin/busybox")
	if err != nil {
		return err
	}
	return install(dir, busybox, "busybox", version)
}

// kernelPackage downloads the package with the image and returns its path and version.
func (a apt) kernelPackage(ctx context.Context, name string) (deb, version string, err error) {
	meta := "linux-image-cloud-" + a.arch.Name
	if strings.HasSuffix(name, rtSuffix) {
		meta = "linux-image-rt-" + a.arch.Name
	}
	var sources []string
	if name == Distro {
		if sources, err = distroSources(ctx); err != nil {
			return "", "", err
		}
		if distroID() == "ubuntu" {
			meta = "linux-image-virtual"
		}
	} else if sources, err = debianSources(ctx, a.arch, suites(name)); err != nil {
		return "", "", err
	}
	if err := a.update(ctx, sources); err != nil {
		return "", "", err
	}
	image, err := a.imagePackage(ctx, meta)
	if err != nil {
		return "", "", err
	}
	release := releaseOf(name)
	if name[0] >= '0' && name[0] <= '9' && !strings.Contains(image, "-"+release+".") {
		return "", "", fmt.Errorf("%w: these suites now have %s", ErrUnreachable, image)
	}
	return a.download(ctx, image)
}

// download fetches a package, and returns its path, and its name with its version.
func (a apt) download(ctx context.Context, pkg string) (deb, version string, err error) {
	version, err = a.candidate(ctx, pkg)
	if err != nil {
		return "", "", err
	}
	if _, err := a.run(ctx, "apt-get", "download", pkg); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	debs, err := filepath.Glob(filepath.Join(a.dir, "*.deb"))
	if err != nil || len(debs) != 1 {
		return "", "", fmt.Errorf("apt-get download %s: left %d packages (%v)", pkg, len(debs), err)
	}
	return debs[0], pkg + " " + version, nil
}

// update refreshes the lists. A mirror that lacks one of the suites is not an error. If all are missing, imagePackage
// fails.
func (a apt) update(ctx context.Context, sources []string) error {
	for _, d := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(a.dir, d), 0o755); err != nil {
			return err
		}
	}
	list := strings.Join(sources, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(list), 0o644); err != nil {
		return err
	}
	if _, err := a.run(ctx, "apt-get", "-qq", "update"); err != nil {
		fmt.Fprintf(a.log, "vm: %v\n", err)
	}
	return ctx.Err()
}

var dependency = regexp.MustCompile(`(?m)^  (?:Pre)?Depends: (linux-(?:image|binary)-[0-9]\S+)$`)

// imagePackage follows the metapackage to the package with the image. sid keeps it one step further, in linux-binary-*.
func (a apt) imagePackage(ctx context.Context, pkg string) (string, error) {
	for range 3 {
		out, err := a.run(ctx, "apt-cache", "depends", "--no-suggests", "--no-recommends", pkg)
		if err != nil {
			return "", fmt.Errorf("%w: no %s in these suites of the machine's mirrors: %w", ErrUnreachable,
				pkg, err)
		}
		next := dependency.FindStringSubmatch(out)
		if next == nil {
			return pkg, nil
		}
		pkg = next[1]
	}
	return "", fmt.Errorf("%s: its dependencies do not lead to a kernel image", pkg)
}

func (a apt) candidate(ctx context.Context, pkg string) (string, error) {
	out, err := a.run(ctx, "apt-cache", "policy", pkg)
	if err != nil {
		return "", err
	}
	_, rest, ok := strings.Cut(out, "Candidate: ")
	version, _, _ := strings.Cut(rest, "\n")
	if !ok || version == "(none)" {
		return "", fmt.Errorf("%w: no candidate for %s", ErrUnreachable, pkg)
	}
	return version, nil
}

// unpack returns the file of a package that one of the patterns matches.
func (a apt) unpack(ctx context.Context, deb string, patterns ...string) (string, error) {
	root := filepath.Join(a.dir, "root")
	if _, err := a.run(ctx, "dpkg-deb", "-x", deb, root); err != nil {
		return "", err
	}
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(filepath.Join(root, pattern)); len(found) == 1 {
			return found[0], nil
		}
	}
	return "", fmt.Errorf("%s contains no %s where Debian is known to put it", filepath.Base(deb),
		strings.TrimSuffix(path.Base(patterns[0]), "-*"))
}

// run runs an apt tool on the private instance, without the machine's pins and default release.
func (a apt) run(ctx context.Context, tool string, args ...string) (string, error) {
	if strings.HasPrefix(tool, "apt-") {
		for _, o := range []string{
			"Dir::Etc::SourceList=" + a.dir + "/sources.list", "Dir::Etc::SourceParts=/dev/null",
			"Dir::Etc::Preferences=/dev/null", "Dir::Etc::PreferencesParts=/dev/null",
			"APT::Default-Release=",
			"APT::Architecture=" + a.arch.Name, "APT::Architectures=" + a.arch.Name,
			"Dir::State=" + a.dir + "/state", "Dir::State::Lists=lists", "Dir::Cache=" + a.dir + "/cache",
			"Dir::Etc::Main=/dev/null", "Acquire::Languages=none", "Acquire::Retries=2",
			"Acquire::http::Timeout=30",
		} {
			args = append(args, "-o", o)
		}
	}
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = a.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", tool, err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// install renames a complete folder, with the file and its version, to its final name.
func install(dir, file, name, version string) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".tmp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := copyFile(file, filepath.Join(tmp, name)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, "version"), []byte(version+"\n"), 0o644); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	// An existing folder without the file is empty: a leftover.
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(tmp, dir)
}

// copyFile copies a file with its mode.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, st.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// unique sorts values and drops duplicates.
func unique(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
