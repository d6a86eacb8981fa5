package ociimage

import (
	"debug/elf"
	"fmt"
	"os"
	"time"
)

// SBOM is where the image of lsmprof has the list of its parts, in CycloneDX's format. Scanners look there.
const SBOM = "/usr/local/share/sbom/lsmprof.cdx.json"

// Lsmprof returns the image of lsmprof: static binaries, each of another architecture, and nothing else. If there is a
// file BINARY.cdx.json, it is part of the image.
func Lsmprof(name, version string, created time.Time, binaries ...string) (Image, error) {
	image := Image{Name: name, Created: created, Labels: map[string]string{
		"org.opencontainers.image.title":   "lsmprof",
		"org.opencontainers.image.version": version, "org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.source": "https://github.com/lsmprof/lsmprof",
	}}
	for _, binary := range binaries {
		arch, err := archOf(binary)
		if err != nil {
			return Image{}, err
		}
		p := Platform{
			Arch: arch, Files: map[string]string{"/lsmprof": binary},
			Entrypoint: []string{"/lsmprof"}, Cmd: []string{"serve"},
		}
		if _, err := os.Stat(binary + ".cdx.json"); err == nil {
			p.Data = map[string]string{SBOM: binary + ".cdx.json"}
		}
		image.Platforms = append(image.Platforms, p)
	}
	return image, nil
}

// archOf returns the architecture of a static binary.
func archOf(binary string) (string, error) {
	e, err := elf.Open(binary)
	if err != nil {
		return "", fmt.Errorf("%s: %w", binary, err)
	}
	defer e.Close()
	switch e.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	}
	return "", fmt.Errorf("%s is for %v: want amd64 or arm64", binary, e.Machine)
}
