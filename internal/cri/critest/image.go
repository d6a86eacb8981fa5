package critest

import (
	"bytes"
	"runtime"

	"github.com/lsmprof/lsmprof/internal/ociimage"
)

// image holds programs of the machine, by their path in the container.
type image struct {
	name  string
	files map[string]string
	links map[string]string
	env   []string
	argv  []string
}

// archive returns the image as an OCI layout in a tar, which `ctr images import` reads.
func (i image) archive() ([]byte, error) {
	var out bytes.Buffer
	err := ociimage.Image{Name: i.name, Platforms: []ociimage.Platform{{
		Arch: runtime.GOARCH, Files: i.files, Links: i.links, Env: i.env, Cmd: i.argv,
	}}}.Write(&out)
	return out.Bytes(), err
}
