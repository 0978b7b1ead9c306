package model

import "github.com/tunelab/tunelab/framework/train/autograd"

// Untie gives the output layer a weight of its own, equal to the token
// embedding that it was until then, so that one can change without the other;
// the model then saves with tie_word_embeddings false. It does nothing to an
// untied model.
func (m *Model) Untie() {
	if !m.cfg.TieEmbeddings {
		return
	}
	w := autograd.NewParam(m.e, m.head.Name+".weight", m.embed.Shape(), m.embed.Data())
	w.Trainable = m.embed.Trainable
	m.head.W, m.cfg.TieEmbeddings = w, false
}

// Tie takes the output layer's weight away and makes it the token embedding:
// the reverse of Untie.
func (m *Model) Tie() {
	if m.cfg.TieEmbeddings {
		return
	}
	m.head.W.Free()
	m.head.W, m.cfg.TieEmbeddings = m.embed, true
}
