package spec

// Task kinds.
const (
	Classification = "classification" // one of Labels
	Generation     = "generation"     // free text, exact match or an extracted number
	Instruction    = "instruction"    // prompt and completion, held-out completion loss
	Preference     = "preference"     // chosen and rejected responses
)

// Task is what a method is told of a task: how its examples are rendered and
// what kind of answer is wanted. Where the data lies stays with the host.
type Task struct {
	Name      string   `json:"name" yaml:"name"`
	Kind      string   `json:"kind" yaml:"kind"`
	Prompt    string   `json:"prompt" yaml:"prompt"`                           // template over fields, "Question: {question}\nAnswer:"
	Input     string   `json:"input,omitempty" yaml:"input"`                   // template of the bare input, for classifiers on top of the model; default: Prompt
	Answer    string   `json:"answer,omitempty" yaml:"answer"`                 // template of the target, "{answer}"
	Delimiter string   `json:"delimiter" yaml:"delimiter"`                     // between prompt and answer; default " " (lm-evaluation-harness)
	Separator string   `json:"separator" yaml:"separator"`                     // between shots; default two newlines (lm-evaluation-harness)
	Label     string   `json:"label,omitempty" yaml:"label"`                   // field with the label: an index into Labels or one of them
	Labels    []string `json:"labels,omitempty" yaml:"labels"`                 // classification: the answers, in label order
	Choices   string   `json:"choices,omitempty" yaml:"choices"`               // generation with options: field with the list of options
	Reasoning string   `json:"reasoning,omitempty" yaml:"reasoning"`           // template of worked reasoning that ends in the answer, for cot
	Chosen    string   `json:"chosen,omitempty" yaml:"chosen"`                 // preference: template of the better response
	Rejected  string   `json:"rejected,omitempty" yaml:"rejected"`             // preference: template of the worse response
	Metric    string   `json:"metric" yaml:"metric"`                           // the metric of the table; see framework/eval
	Stop      []string `json:"stop,omitempty" yaml:"stop"`                     // generation ends before these strings
	MaxNew    int      `json:"max_new_tokens,omitempty" yaml:"max_new_tokens"` // generation length; default 64
	MaxLength int      `json:"max_length,omitempty" yaml:"max_length"`         // training examples are cut at this many tokens; 0: the context
}

// Example is one training or validation example as a plugin gets it: a line
// of a JSONL file that the host wrote and hashed.
type Example struct {
	ID        string         `json:"id"`
	Fields    map[string]any `json:"fields"`
	Prompt    string         `json:"prompt"`           // rendered by the task's template
	Input     string         `json:"input"`            // rendered by the task's input template
	Answer    string         `json:"answer,omitempty"` // rendered target
	Label     int            `json:"label"`            // index into Task.Labels; -1 if the task has none
	Choices   []string       `json:"choices,omitempty"`
	Reasoning string         `json:"reasoning,omitempty"`
	Chosen    string         `json:"chosen,omitempty"`
	Rejected  string         `json:"rejected,omitempty"`
}

// Target is what a completion should say: the answer, or the chosen response.
func (e Example) Target() string {
	if e.Answer == "" {
		return e.Chosen
	}
	return e.Answer
}

// Item is one thing to predict: never an answer, except the Target of the
// logprobs mode and the Response of the reward mode, which the host sends only
// after the run's artifacts are sealed.
type Item struct {
	ID       string         `json:"id"`
	Fields   map[string]any `json:"fields"` // without the fields that hold answers
	Prompt   string         `json:"prompt"`
	Input    string         `json:"input"`
	Choices  []string       `json:"choices,omitempty"`
	Target   string         `json:"target,omitempty"`
	Response string         `json:"response,omitempty"`
}

// Prediction modes (Contract 1 of ARCHITECTURE.md).
const (
	ModeGenerate = "generate"
	ModeChoices  = "choices"
	ModeLabels   = "labels"
	ModeLogprobs = "logprobs"
	ModeReward   = "reward"
)

// Prediction is a plugin's answer to one Item; which fields are set follows
// from the mode.
type Prediction struct {
	ID string `json:"id"`

	Text    string   `json:"text,omitempty"`    // generate
	Answer  string   `json:"answer,omitempty"`  // generate: the answer that the method read out of Text, which exact match scores in its place; empty: Text is the answer
	Samples []string `json:"samples,omitempty"` // generate with self-consistency: every sample; Text is the majority's
	Finish  string   `json:"finish,omitempty"`  // generate: "stop", "length" or "context"

	Scores  []float64 `json:"scores,omitempty"`  // choices: log-likelihoods; labels: a score per label; reward: one
	Lengths []int     `json:"lengths,omitempty"` // choices: tokens of each continuation

	Logprobs []float64 `json:"logprobs,omitempty"` // logprobs: natural log, per target token

	PromptTokens    int     `json:"prompt_tokens,omitempty"`
	GeneratedTokens int     `json:"generated_tokens,omitempty"`
	Shots           int     `json:"shots,omitempty"` // effective k, after shots were dropped to fit
	FLOPs           float64 `json:"flops,omitempty"`
}
