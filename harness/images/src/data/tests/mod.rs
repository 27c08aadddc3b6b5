//! Tests over several files.
