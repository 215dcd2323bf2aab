//! The black-box suite: drives the shop over HTTP and holds its invariants
