package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Request asks a worker for one measurement: exactly one field is set.
type Request struct {
	Train    *TrainOptions    `json:"train,omitempty"`
	Generate *GenerateOptions `json:"generate,omitempty"`
}

// Isolated has a request done by a process of its own and reads its answer into
// result, a *TrainResult or a *GenerateResult. worker are the arguments with
// which this program calls Work.
func Isolated(ctx context.Context, worker []string, q Request, result any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(q)
	if err != nil {
		return err
	}
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, self, worker...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(raw), &out, &errOut
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the process that measures ended with %w\n%s", err, strings.TrimSpace(errOut.String()))
	}
	var a answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		return fmt.Errorf("the process that measures answered with no JSON: %w", err)
	}
	if a.Error != "" {
		return errors.New(a.Error)
	}
	return json.Unmarshal(a.Result, result)
}

// answer is what a worker prints.
type answer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// Work is the other side of Isolated: it reads a request and writes the answer.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	var q Request
	if err := json.NewDecoder(in).Decode(&q); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	var result any
	var err error
	switch {
	case q.Train != nil:
		result, err = Train(ctx, *q.Train)
	case q.Generate != nil:
		result, err = Generate(ctx, *q.Generate)
	default:
		err = errors.New("the request asks for nothing")
	}
	var a answer
	if err != nil {
		a.Error = err.Error()
	} else if a.Result, err = json.Marshal(result); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(a)
}
