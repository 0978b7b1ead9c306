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
)

var update = flag.Bool("update", false, "add what is new to testdata/v1.txt")

const golden = "testdata/v1.txt"

// What was released stays: plugins built with an older minor version go on
// working. A field or a call that is new is added to the golden file; one that
// changed or went is an error whatever the flag.
func TestReleasedContractIsFrozen(t *testing.T) {
	now := contract(pb.File_tunelab_plugin_v1_plugin_proto)
	raw, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	then := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for _, line := range then {
		if !slices.Contains(now, line) {
			t.Errorf("%q was released and is gone or changed: add fields with numbers of their own instead", line)
		}
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(golden, []byte(strings.Join(now, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if len(now) > len(then) {
		t.Errorf("%d fields or calls are not in %s yet: run go test -update, and raise wire.Minor where they are new since the last release", len(now)-len(then), golden)
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
	for i := range f.Messages().Len() {
		m := f.Messages().Get(i)
		for j := range m.Fields().Len() {
			d := m.Fields().Get(j)
			kind := d.Kind().String()
			if d.Message() != nil {
				kind = string(d.Message().FullName())
			}
			out = append(out, fmt.Sprintf("%s = %d %s %s", d.FullName(), d.Number(), d.Cardinality(), kind))
		}
	}
	return out
}
