package sdk

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tunelab/tunelab/framework/plugin/wire"
	"github.com/tunelab/tunelab/framework/spec"
)

type needy struct {
	Method
	minor int
}

func (n needy) Describe() spec.Method { return spec.Method{Name: "needy", ProtocolMinor: n.minor} }
func (needy) Schema() spec.Schema     { return spec.Schema{} }

// The minor protocol that an author declares is in the description; one that the
// SDK does not know is a mistake.
func TestDescriptionNamesTheMinorProtocol(t *testing.T) {
	var b bytes.Buffer
	if err := printDescription(&b, needy{minor: wire.Minor}); err != nil || !strings.Contains(b.String(), `"protocol_minor": 1`) {
		t.Errorf("%v: %s", err, b.String())
	}
	b.Reset()
	if err := printDescription(&b, needy{}); err != nil || strings.Contains(b.String(), "protocol_minor") {
		t.Errorf("%v: %s", err, b.String())
	}
	if err := printDescription(&b, needy{minor: wire.Minor + 1}); err == nil || !strings.Contains(err.Error(), "ProtocolMinor") {
		t.Errorf("a minor that is not known: %v", err)
	}
}
