//! The decode worker with the decoder of JPEG 2000, too.

#[path = "../worker_message.rs"]
mod worker_message;
#[path = "../worker_program.rs"]
mod worker_program;
#[path = "../platform/worker_side.rs"]
mod worker_side;

fn main() {
    worker_program::run(viewer_core::decode::decode_jpeg2000);
}
