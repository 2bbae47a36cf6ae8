//! The worker that samples planes of volumes where there is no GPU.

#[path = "../plane_message.rs"]
mod plane_message;
#[path = "../plane_program.rs"]
mod plane_program;
#[path = "../platform/plane_side.rs"]
mod plane_side;

fn main() {
    plane_program::run();
}
