package host

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tunelab/tunelab/framework/plugin/testplugins"
	"github.com/tunelab/tunelab/framework/spec"
)

// A code counts as the protocol's only with the words of gRPC itself; with
// others it is the plugin's own answer, whose words stay.
func TestCodesAreReadWithTheirWords(t *testing.T) {
	ownTemp(t)
	c := launch(t, testplugins.Counter, LaunchOptions{Limits: spec.Limits{}})
	for _, k := range []struct {
		code codes.Code
		said string
		kind string
	}{
		{codes.ResourceExhausted, "grpc: received message larger than max (20971520 vs. 16777216)", "protocol"},
		{codes.ResourceExhausted, "grpc: trying to send message larger than max (20971520 vs. 16777216)", "protocol"},
		{codes.ResourceExhausted, "grpc: received message after decompression larger than max 16777216", "protocol"},
		{codes.ResourceExhausted, "CLIENT: Sent message larger than max (20971520 vs. 16777216)", "protocol"},
		{codes.ResourceExhausted, "the quota of the licence server is used up", "words"},
		{codes.Unimplemented, "unknown service tunelab.plugin.v1.Method", "protocol"},
		{codes.Unimplemented, "unknown method Predict for service tunelab.plugin.v1.Method", "protocol"},
		{codes.Unimplemented, "method Predict not implemented", "protocol"},
		{codes.Unimplemented, "Method not found!", "protocol"},
		{codes.Unimplemented, "Method not implemented!", "protocol"},
		{codes.Unimplemented, "", "protocol"},
		{codes.Unimplemented, "labels with more than two classes are not implemented", "words"},
		{codes.Canceled, "the licence server withdrew the licence", "words"},
		{codes.DeadlineExceeded, "the licence server did not answer", "words"},
		{codes.Aborted, "item 7 has no text", "words"},
	} {
		err := c.callError(t.Context(), status.Error(k.code, k.said))
		if k.kind == "words" && (kind(err) != "other" || err.Error() != k.said) || k.kind != "words" && kind(err) != k.kind {
			t.Errorf("%s %q: %s: %v", k.code, k.said, kind(err), err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // the plugin saw it pass first
	defer cancel()
	for _, k := range []struct {
		ctx  context.Context
		code codes.Code
		want error
	}{{gone, codes.Canceled, context.Canceled}, {late, codes.DeadlineExceeded, context.DeadlineExceeded}} {
		if err := c.callError(k.ctx, status.Error(k.code, "context gone")); !errors.Is(err, k.want) {
			t.Errorf("%s of a call that was given up: %v", k.code, err)
		}
	}
}

func TestWantsAreReadWithTheirWords(t *testing.T) {
	for _, k := range []struct {
		text         string
		space, files bool
	}{
		{"fatal error: runtime: out of memory", true, false},
		{"runtime: failed to create new OS thread (have 8 already; errno=11)", true, false},
		{"Traceback:\nMemoryError: Unable to allocate 8 GiB\n", true, false},
		{"terminate called after throwing an instance of 'std::bad_alloc'", true, false},
		{"RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes", true, false},
		{"mmap: ENOMEM", true, false},
		{"torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB", false, false},
		{"RuntimeError: CUDA error: out of memory\nmmap: cannot allocate memory", true, false},
		{"open /dev/null: too many open files", false, true},
		{"OSError: [Errno 24] Too many open files", false, true},
		{"accept: EMFILE", false, true},
		{"reading itemfile.jsonl", false, false},
		{"the class ItemMemoryErrors is unknown", false, false},
	} {
		if space, files := ofSpace.in([]byte(k.text)) != "", ofFiles.in([]byte(k.text)) != ""; space != k.space || files != k.files {
			t.Errorf("%q speaks of memory %v, of files %v", k.text, space, files)
		}
	}
}
