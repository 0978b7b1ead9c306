package spec

// Method describes what a plugin offers, as `BINARY describe` prints it.
type Method struct {
	Name          string   `json:"name"`
	Version       string   `json:"version"` // semantic version
	SDK           string   `json:"sdk"`
	Protocols     []int    `json:"protocols"`
	ProtocolMinor int      `json:"protocol_minor,omitempty"` // minor version of the protocol that it needs: 1 if it asks its host for features; default 0
	Summary       string   `json:"summary"`
	Family        string   `json:"family"` // "prompting", "classic", "peft", "alignment"
	Citation      string   `json:"citation,omitempty"`
	Tasks         []string `json:"tasks"`                 // task kinds it can be run on
	Modes         []string `json:"modes"`                 // prediction modes it answers
	Trains        bool     `json:"trains"`                // false: prompting
	Resume        bool     `json:"resume"`                // can go on from a checkpoint
	Engines       []string `json:"engines,omitempty"`     // compute engines that a run may name; none: it computes by its own means
	Supervision   []string `json:"supervision,omitempty"` // extra kinds it uses: "reasoning", "preferences"
	Stages        []string `json:"stages,omitempty"`      // a chained method's stages in order; the last is the result
	SchemaSHA256  string   `json:"schema_sha256"`
}
