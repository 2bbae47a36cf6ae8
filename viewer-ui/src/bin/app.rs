//! The app that pages start.

fn main() {
    viewer_ui::app::start();
}
