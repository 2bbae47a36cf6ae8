//! viewer-gpu
