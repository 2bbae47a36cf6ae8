//! The worker that decodes videos by the browser's own decoder; fetched when the first video is met.

#[path = "../video_message.rs"]
mod video_message;
#[path = "../video_program.rs"]
mod video_program;
#[path = "../platform/video_side.rs"]
mod video_side;
#[allow(dead_code, reason = "requests are those of the other workers")]
#[path = "../worker_message.rs"]
mod worker_message;

fn main() {
    video_program::run();
}
