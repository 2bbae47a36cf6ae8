//! The decode worker with all decoders, which takes over when an image needs one of the others.

#[path = "../platform/worker_headers.rs"]
mod worker_headers;
#[path = "../worker_message.rs"]
mod worker_message;
#[path = "../worker_program.rs"]
mod worker_program;
#[path = "../platform/worker_side.rs"]
mod worker_side;

fn main() {
    worker_program::run(viewer_core::decode::decode_frame);
    worker_headers::listen();
}
