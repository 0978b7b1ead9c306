package proto

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/tunelab/tunelab/framework/plugin/proto/tunelab/plugin/v1"
	"github.com/tunelab/tunelab/framework/plugin/wire"
)

var update = flag.Bool("update", false, "add what is new to testdata/v1.txt")

const golden = "testdata/v1.txt"

// What was released stays: plugins built with an older minor version go on
// working. A field or a call that is new is added to the golden file, once
// wire.Minor is raised; one that changed or went is an error whatever the flag.
func TestReleasedContractIsFrozen(t *testing.T) {
	raw, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	first, then, _ := strings.Cut(string(raw), "\n")
	var minor int
	if _, err := fmt.Sscanf(first, "minor %d", &minor); err != nil {
		t.Fatalf("%s begins with %q, not with the minor version: %v", golden, first, err)
	}
	now := contract(pb.File_tunelab_plugin_v1_plugin_proto)
	added, wrong := compare(strings.Split(strings.TrimSpace(then), "\n"), now, minor, wire.Minor)
	for _, w := range wrong {
		t.Error(w)
	}
	if *update && len(wrong) == 0 {
		if err := os.WriteFile(golden, fmt.Appendf(nil, "minor %d\n%s\n", wire.Minor, strings.Join(now, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if len(added) > 0 || minor != wire.Minor {
		t.Errorf("not in %s yet, of minor version %d: %q; run go test -update", golden, wire.Minor, added)
	}
}

// compare names the lines that are new, and what no minor version may do.
func compare(then, now []string, minor, minorNow int) (added, wrong []string) {
	for _, line := range then {
		if !slices.Contains(now, line) {
			wrong = append(wrong, fmt.Sprintf("%q was released and is gone or changed: add fields with numbers of their own instead", line))
		}
	}
	for _, line := range now {
		if !slices.Contains(then, line) {
			added = append(added, line)
		}
	}
	if minorNow < minor {
		wrong = append(wrong, fmt.Sprintf("wire.Minor is %d and was %d", minorNow, minor))
	}
	if len(added) > 0 && minorNow <= minor {
		wrong = append(wrong, fmt.Sprintf("%q is new and wire.Minor is still %d: raise it, since a plugin that uses what is new needs a host that has it", added, minorNow))
	}
	return added, wrong
}

func TestCompareFindsWhatBreaks(t *testing.T) {
	then := []string{"a", "b"}
	for _, c := range []struct {
		now   string
		minor int
		want  string // in what is wrong; "": nothing is
		added int
	}{
		{"a b", 1, "", 0},
		{"a b", 2, "", 0},
		{"a b c", 2, "", 1},
		{"a b c", 1, "raise it", 1},
		{"a c", 2, "gone or changed", 1},
		{"a", 2, "gone or changed", 0},
		{"a b", 0, "was 1", 0},
	} {
		added, wrong := compare(then, strings.Fields(c.now), 1, c.minor)
		if len(added) != c.added || (len(wrong) > 0) != (c.want != "") || !strings.Contains(strings.Join(wrong, "\n"), c.want) {
			t.Errorf("%q, minor %d: added %q, wrong %q", c.now, c.minor, added, wrong)
		}
	}
}

// A field's presence and its oneof are part of its line: to take "optional" off,
// or to move a field into a oneof, breaks a plugin without changing a number.
func TestContractTellsPresenceAndOneofs(t *testing.T) {
	lines := strings.Join(contract(pb.File_tunelab_plugin_v1_plugin_proto), "\n") + "\n"
	for _, w := range []string{"FeaturesRequest.layer = 4 optional int32, explicit\n", "FeaturesRequest.max_length = 5 optional int32\n", ", oneof event\n"} {
		if !strings.Contains(lines, w) {
			t.Errorf("no line ends in %q", w)
		}
	}
}

// contract lists every field and call, one a line, in the order of the file.
func contract(f protoreflect.FileDescriptor) []string {
	var out []string
	for i := range f.Services().Len() {
		s := f.Services().Get(i)
		for j := range s.Methods().Len() {
			m := s.Methods().Get(j)
			out = append(out, fmt.Sprintf("rpc %s(%s) returns (%s) client stream %t, server stream %t", m.FullName(), m.Input().FullName(), m.Output().FullName(), m.IsStreamingClient(), m.IsStreamingServer()))
		}
	}
	out = append(out, enums(f.Enums())...)
	return append(out, messages(f.Messages())...)
}

func messages(list protoreflect.MessageDescriptors) (out []string) {
	for i := range list.Len() {
		m := list.Get(i)
		for j := range m.Fields().Len() {
			out = append(out, field(m.Fields().Get(j)))
		}
		out = append(append(out, enums(m.Enums())...), messages(m.Messages())...)
	}
	return out
}

// field is one, with its cardinality as the descriptor has it ("optional" for
// any that is not repeated); "explicit" is the keyword optional.
func field(d protoreflect.FieldDescriptor) string {
	kind := d.Kind().String()
	switch {
	case d.Message() != nil:
		kind = string(d.Message().FullName())
	case d.Enum() != nil:
		kind = string(d.Enum().FullName())
	}
	line := fmt.Sprintf("%s = %d %s %s", d.FullName(), d.Number(), d.Cardinality(), kind)
	if d.HasOptionalKeyword() {
		line += ", explicit"
	} else if o := d.ContainingOneof(); o != nil {
		line += ", oneof " + string(o.Name())
	}
	return line
}

func enums(list protoreflect.EnumDescriptors) (out []string) {
	for i := range list.Len() {
		for v, e := 0, list.Get(i); v < e.Values().Len(); v++ {
			out = append(out, fmt.Sprintf("%s = %d", e.Values().Get(v).FullName(), e.Values().Get(v).Number()))
		}
	}
	return out
}
