package main

import (
	"regexp"
	"slices"

	"github.com/tunelab/tunelab/framework/llm/generate"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/llm/tokenizer/chat"
	"github.com/tunelab/tunelab/framework/spec"
)

// oneField matches a prompt template that is text around a single plain field.
var oneField = regexp.MustCompile(`^([^{}\[\]]*)\{[\w.]+\}([^{}\[\]]*)$`)

// conversation is the chat template whose conversation of one question and
// one answer is the text trained on: start token, prompt, delimiter, completion,
// end token. Where the task's prompt is text around one field, the user's
// message is that field; else it is the whole rendered prompt.
func conversation(task spec.Task, tok *tokenizer.Tokenizer) chat.Template {
	var t chat.Template
	if m := oneField.FindStringSubmatch(task.Prompt); m != nil {
		t.User = chat.Turn{Before: m[1], After: m[2]}
	}
	for _, id := range slices.Backward(tok.Encode("", true)) { // what the tokenizer puts in front
		t.User.Before = tok.Token(id) + t.User.Before
	}
	t.Assistant = chat.Turn{Before: task.Delimiter, After: tok.Token(tok.EOS())}
	return t
}

// rendersAlike says whether the rendered text of a conversation encodes to the
// tokens that training uses for the same prompt and completion.
func rendersAlike(task spec.Task, tok *tokenizer.Tokenizer, t chat.Template) bool {
	const question, answer = "one two", "three"
	prompt := question
	if m := oneField.FindStringSubmatch(task.Prompt); m != nil {
		prompt = m[1] + question + m[2]
	}
	want, _ := generate.EncodePair(tok, prompt, task.Delimiter+answer)
	text, err := t.Render([]chat.Message{{Role: chat.User, Content: question}, {Role: chat.Assistant, Content: answer}}, false)
	return err == nil && slices.Equal(tok.Encode(text, false), append(want, tok.EOS()))
}
