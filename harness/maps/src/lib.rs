//! Maps of embeddings: many dimensions laid out on a plane, and drawn.
