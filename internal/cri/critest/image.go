package critest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path"
	"runtime"
)

// image holds programs of the machine, by their path in the container.
type image struct {
	name  string
	files map[string]string
	links map[string]string
	env   []string
	argv  []string
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// archive returns the image as an OCI layout in a tar, which `ctr images import` reads.
func (i image) archive() ([]byte, error) {
	layer, err := i.layer()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	var failed error
	add := func(name string, body []byte) {
		if failed == nil {
			failed = w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body))})
		}
		if failed == nil {
			_, failed = w.Write(body)
		}
	}
	blob := func(mediaType string, body []byte) descriptor {
		sum := sha256.Sum256(body)
		digest := hex.EncodeToString(sum[:])
		add("blobs/sha256/"+digest, body)
		return descriptor{
			MediaType: "application/vnd.oci.image." + mediaType, Size: len(body),
			Digest: "sha256:" + digest,
		}
	}
	document := func(v any) []byte {
		body, err := json.Marshal(v)
		if failed == nil {
			failed = err
		}
		return body
	}
	rootfs := blob("layer.v1.tar", layer)
	config := blob("config.v1+json", document(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{
			"Env": append([]string{"PATH=/bin"}, i.env...), "Cmd": i.argv, "WorkingDir": "/",
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{rootfs.Digest}},
	}))
	manifest := blob("manifest.v1+json", document(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": config, "layers": []descriptor{rootfs},
	}))
	manifest.Annotations = map[string]string{"io.containerd.image.name": i.name}
	add("index.json", document(map[string]any{"schemaVersion": 2, "manifests": []descriptor{manifest}}))
	add("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	if failed != nil {
		return nil, failed
	}
	return out.Bytes(), w.Close()
}

func (i image) layer() ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	dirs := []string{"bin", "tmp", "proc", "sys", "dev", "etc"}
	for _, d := range dirs {
		if err := w.WriteHeader(&tar.Header{Name: d + "/", Typeflag: tar.TypeDir, Mode: 0o1777}); err != nil {
			return nil, err
		}
	}
	for to, from := range i.files {
		body, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{
			Name: path.Join(".", to), Mode: 0o755, Size: int64(len(body)),
		}); err != nil {
			return nil, err
		}
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
	}
	for to, target := range i.links {
		if err := w.WriteHeader(&tar.Header{
			Name: path.Join(".", to), Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777,
		}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}
