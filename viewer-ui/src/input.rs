//! Pointer, wheel, touch and keyboard: DOM events to commands.
