package spec

// Run is everything that decides a run's numbers. Two runs with equal Run
// hashes and equal code give equal bits.
type Run struct {
	Model   Ref            `json:"model"`
	Task    Task           `json:"task"`
	Method  string         `json:"method"`          // plugin name
	Stage   string         `json:"stage,omitempty"` // of a chained method, e.g. "reward"
	Params  map[string]any `json:"params"`          // resolved, defaults included
	Seed    int64          `json:"seed"`
	Budget  Budget         `json:"budget"`
	Compute Compute        `json:"compute"`
	Inputs  []Ref          `json:"inputs,omitempty"` // artifacts of parent runs, by content
}

// Ref names bulk data by content; whoever works on it resolves it to a path.
type Ref struct {
	Kind   string `json:"kind"`           // "model", "dataset", "artifact"
	Name   string `json:"name,omitempty"` // what people call it; not part of the identity
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"` // bytes
}

// Compute places a run without naming one machine.
type Compute struct {
	Engine    string `json:"engine" yaml:"engine"`       // "cpu" (default) or "ref"
	Precision string `json:"precision" yaml:"precision"` // of matrix products: "f32" (default) or "bf16"
	Threads   int    `json:"threads" yaml:"threads"`     // 0: all cores; never changes the numbers
}

// Budget is what every method of a comparison may spend.
type Budget struct {
	Examples       int     `json:"examples,omitempty" yaml:"examples"`                 // labelled training examples; 0: the whole split
	Trials         int     `json:"trials,omitempty" yaml:"trials"`                     // tuning configurations tried on the validation split; 0 means 1
	Match          string  `json:"match,omitempty" yaml:"match"`                       // "examples" (default), "tokens" or "flops"
	MaxTokens      int64   `json:"max_tokens,omitempty" yaml:"max_tokens"`             // training tokens, with match: tokens
	MaxFLOPs       float64 `json:"max_flops,omitempty" yaml:"max_flops"`               // training FLOPs, with match: flops
	MaxWallSeconds float64 `json:"max_wall_seconds,omitempty" yaml:"max_wall_seconds"` // hard cap; a run it ends is not replayable
	MaxMemoryBytes int64   `json:"max_memory_bytes,omitempty" yaml:"max_memory_bytes"` // hard cap on the resident memory of the plugin and what it starts
	Limits         Limits  `json:"limits,omitzero" yaml:"limits"`                      // that the system enforces on each of the run's plugin processes
}

// Limits are resource limits of a plugin process (setrlimit; Linux only). 0 is
// none. A Go program reserves address space that it never touches: below about
// 3 GiB beside the model it may not start.
type Limits struct {
	AddressSpaceBytes int64 `json:"address_space_bytes,omitempty" yaml:"address_space_bytes"` // RLIMIT_AS
	CPUSeconds        int64 `json:"cpu_seconds,omitempty" yaml:"cpu_seconds"`                 // RLIMIT_CPU, user and system, of all threads
	OpenFiles         int64 `json:"open_files,omitempty" yaml:"open_files"`                   // RLIMIT_NOFILE, sockets and pipes included; the protocol itself needs about 20
}

// Estimate is what a method expects to need, before anything runs.
type Estimate struct {
	TrainableParams int64   `json:"trainable_params"`
	TotalParams     int64   `json:"total_params"`
	MemoryBytes     int64   `json:"memory_bytes"`
	FLOPs           float64 `json:"flops"`
	Steps           int64   `json:"steps"`
}

// Cost is what a run used. The plugin counts parameters, examples, tokens and
// FLOPs; the host measures the rest.
type Cost struct {
	TrainableParams  int64          `json:"trainable_params"`
	LabelledExamples int64          `json:"labelled_examples"`
	ExtraSupervision map[string]int `json:"extra_supervision,omitempty"` // kind ("reasoning", "preferences") to count
	TrainTokens      int64          `json:"train_tokens"`
	PromptTokens     int64          `json:"prompt_tokens"`
	GeneratedTokens  int64          `json:"generated_tokens"`
	FLOPs            float64        `json:"flops"`
	WallSeconds      float64        `json:"wall_seconds"`
	CPUSeconds       float64        `json:"cpu_seconds"`
	PeakMemoryBytes  int64          `json:"peak_memory_bytes"`
	ArtifactBytes    int64          `json:"artifact_bytes"`
}
