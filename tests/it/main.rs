//! End-to-end tests: the built app in a real browser over the built gateway.

mod smoke;
