// Package ociimage writes container images as OCI layouts in a tar, which containerd, CRI-O, podman, skopeo and Docker
// read, without any of them. The same input gives the same bytes.
package ociimage

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"time"
)

// Image is an image for one or more architectures.
type Image struct {
	Name      string            // as a runtime knows it: registry.example/lsmprof:1.2.3
	Labels    map[string]string // org.opencontainers.image.…
	Created   time.Time         // zero: not said
	Platforms []Platform
}

// Platform is an image's content for one architecture.
type Platform struct {
	Arch       string            // as GOARCH
	Files      map[string]string // programs of this machine, by their path in the container
	Data       map[string]string // the same of files that are no programs
	Links      map[string]string // symbolic links: path to target
	Env        []string
	Entrypoint []string
	Cmd        []string
}

// dirs are the folders that every image has.
var dirs = []string{"bin", "tmp", "proc", "sys", "dev", "etc"}

const (
	mediaType      = "application/vnd.oci.image."
	nameAnnotation = "io.containerd.image.name"
	refAnnotation  = "org.opencontainers.image.ref.name"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// layout is a tar of blobs. The first error sticks.
type layout struct {
	tar     *tar.Writer
	created time.Time
	err     error
}

// Write writes the image.
func (i Image) Write(w io.Writer) error {
	l := &layout{tar: tar.NewWriter(w), created: i.Created}
	top := index{SchemaVersion: 2, MediaType: mediaType + "index.v1+json"}
	for _, p := range i.Platforms {
		layer, err := p.layer(i.Created)
		if err != nil {
			return fmt.Errorf("image %s: %w", i.Name, err)
		}
		top.Manifests = append(top.Manifests, l.manifest(i, p, layer))
	}
	// A runtime takes the name from the only entry of index.json: the image, or the list of its architectures.
	if len(top.Manifests) > 1 {
		top.Manifests = []descriptor{l.document("index.v1+json", top)}
	} else {
		for n := range top.Manifests {
			top.Manifests[n].Platform = nil
		}
	}
	for n := range top.Manifests {
		_, tag, _ := cutLast(i.Name, ':')
		top.Manifests[n].Annotations = map[string]string{nameAnnotation: i.Name, refAnnotation: tag}
	}
	l.json("index.json", top)
	l.json("oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"})
	if l.err != nil {
		return fmt.Errorf("image %s: %w", i.Name, l.err)
	}
	return l.tar.Close()
}

func (l *layout) manifest(i Image, p Platform, layer []byte) descriptor {
	rootfs := l.blob("layer.v1.tar", layer)
	config := map[string]any{
		"architecture": p.Arch, "os": "linux",
		"config": map[string]any{
			"Env": append([]string{"PATH=/bin"}, p.Env...), "Entrypoint": p.Entrypoint, "Cmd": p.Cmd,
			"WorkingDir": "/", "Labels": i.Labels,
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{rootfs.Digest}},
	}
	if !i.Created.IsZero() {
		config["created"] = i.Created.UTC().Format(time.RFC3339)
	}
	d := l.document("manifest.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": mediaType + "manifest.v1+json",
		"config": l.document("config.v1+json", config), "layers": []descriptor{rootfs},
		"annotations": i.Labels,
	})
	d.Platform = &platform{Architecture: p.Arch, OS: "linux"}
	return d
}

func (l *layout) document(kind string, v any) descriptor {
	body, err := json.Marshal(v)
	if l.err == nil {
		l.err = err
	}
	return l.blob(kind, body)
}

func (l *layout) blob(kind string, body []byte) descriptor {
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	l.add("blobs/sha256/"+digest, body)
	return descriptor{MediaType: mediaType + kind, Size: len(body), Digest: "sha256:" + digest}
}

func (l *layout) json(name string, v any) {
	body, err := json.Marshal(v)
	if l.err == nil {
		l.err = err
	}
	l.add(name, body)
}

func (l *layout) add(name string, body []byte) {
	if l.err == nil {
		l.err = addFile(l.tar, &tar.Header{Name: name, Mode: 0o644, ModTime: l.created}, body)
	}
}

func addFile(w *tar.Writer, h *tar.Header, body []byte) error {
	h.Size = int64(len(body))
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

// layer returns the only layer as a tar.
func (p Platform) layer(created time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, d := range dirs {
		h := tar.Header{Name: d + "/", Typeflag: tar.TypeDir, Mode: 0o1777, ModTime: created}
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
	}
	for _, part := range []struct {
		files map[string]string
		mode  int64
	}{{p.Files, 0o755}, {p.Data, 0o644}} {
		for _, to := range slices.Sorted(maps.Keys(part.files)) {
			body, err := os.ReadFile(part.files[to])
			if err != nil {
				return nil, err
			}
			h := tar.Header{Name: path.Join(".", to), Mode: part.mode, ModTime: created}
			if err := addFile(w, &h, body); err != nil {
				return nil, err
			}
		}
	}
	for _, to := range slices.Sorted(maps.Keys(p.Links)) {
		if err := w.WriteHeader(&tar.Header{
			Name: path.Join(".", to), Typeflag: tar.TypeSymlink, Linkname: p.Links[to], Mode: 0o777,
			ModTime: created,
		}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

// cutLast cuts s around the last separator.
func cutLast(s string, sep byte) (before, after string, found bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
