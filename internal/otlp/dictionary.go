package otlp

import (
	"fmt"

	pprof "github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/pdata/pprofile"
)

// dictionary numbers what profiles share. Entry 0 of each table stands for nothing, as the protocol wants it. pdata's
// own Set functions search the whole table for each entry.
type dictionary struct {
	to         pprofile.ProfilesDictionary
	strings    map[string]int32
	functions  map[pprof.Function]int32
	mappings   map[string]int32
	locations  map[*pprof.Location]int32
	stacks     map[string]int32
	attributes map[[2]string]int32
}

func newDictionary(to pprofile.ProfilesDictionary) *dictionary {
	to.StringTable().Append("")
	to.MappingTable().AppendEmpty()
	to.LocationTable().AppendEmpty()
	to.FunctionTable().AppendEmpty()
	to.LinkTable().AppendEmpty()
	to.AttributeTable().AppendEmpty()
	to.StackTable().AppendEmpty()
	return &dictionary{
		to: to, strings: map[string]int32{"": 0}, functions: map[pprof.Function]int32{},
		mappings: map[string]int32{}, locations: map[*pprof.Location]int32{}, stacks: map[string]int32{},
		attributes: map[[2]string]int32{},
	}
}

func (d *dictionary) str(s string) int32 {
	i, ok := d.strings[s]
	if !ok {
		i = int32(d.to.StringTable().Len())
		d.to.StringTable().Append(s)
		d.strings[s] = i
	}
	return i
}

func (d *dictionary) attribute(key, value string) int32 {
	k := [2]string{key, value}
	i, ok := d.attributes[k]
	if !ok {
		i = int32(d.to.AttributeTable().Len())
		a := d.to.AttributeTable().AppendEmpty()
		a.SetKeyStrindex(d.str(key))
		a.Value().SetStr(value)
		d.attributes[k] = i
	}
	return i
}

func (d *dictionary) stack(locations []*pprof.Location) int32 {
	indices := make([]int32, len(locations))
	for i, l := range locations {
		indices[i] = d.location(l)
	}
	key := fmt.Sprint(indices)
	i, ok := d.stacks[key]
	if !ok {
		i = int32(d.to.StackTable().Len())
		d.to.StackTable().AppendEmpty().LocationIndices().FromRaw(indices)
		d.stacks[key] = i
	}
	return i
}

func (d *dictionary) location(l *pprof.Location) int32 {
	i, ok := d.locations[l]
	if !ok {
		mapping := d.mapping(l.Mapping)
		i = int32(d.to.LocationTable().Len())
		to := d.to.LocationTable().AppendEmpty()
		to.SetMappingIndex(mapping)
		to.SetAddress(l.Address)
		for _, line := range l.Line {
			tl := to.Lines().AppendEmpty()
			tl.SetFunctionIndex(d.function(line.Function))
			tl.SetLine(line.Line)
			tl.SetColumn(line.Column)
		}
		d.locations[l] = i
	}
	return i
}

func (d *dictionary) function(f *pprof.Function) int32 {
	if f == nil {
		return 0
	}
	key := *f
	key.ID = 0
	i, ok := d.functions[key]
	if !ok {
		i = int32(d.to.FunctionTable().Len())
		to := d.to.FunctionTable().AppendEmpty()
		to.SetNameStrindex(d.str(f.Name))
		to.SetSystemNameStrindex(d.str(f.SystemName))
		to.SetFilenameStrindex(d.str(f.Filename))
		to.SetStartLine(f.StartLine)
		d.functions[key] = i
	}
	return i
}

func (d *dictionary) mapping(m *pprof.Mapping) int32 {
	if m == nil {
		return 0
	}
	i, ok := d.mappings[m.File]
	if !ok {
		i = int32(d.to.MappingTable().Len())
		d.to.MappingTable().AppendEmpty().SetFilenameStrindex(d.str(m.File))
		d.mappings[m.File] = i
	}
	return i
}
