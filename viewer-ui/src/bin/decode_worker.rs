//! decode_worker
fn main() {}
