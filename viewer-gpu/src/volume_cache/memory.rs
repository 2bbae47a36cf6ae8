//! Whether the graphics card gave the memory that it was asked for. WebGPU says it later.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What is known of it.
pub enum Refusal {
    /// Nothing yet.
    Pending(Pin<Box<dyn Future<Output = Option<wgpu::Error>>>>),
    /// The memory is there.
    Granted,
    /// It is not.
    Refused,
}

impl Refusal {
    /// Asks again.
    pub fn look(&mut self) -> &Self {
        if let Self::Pending(answer) = self {
            let mut task = Context::from_waker(Waker::noop());
            if let Poll::Ready(error) = answer.as_mut().poll(&mut task) {
                *self = match error {
                    Some(_) => Self::Refused,
                    None => Self::Granted,
                };
            }
        }
        self
    }
}

impl PartialEq for Refusal {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Pending(_) => "Pending",
            Self::Granted => "Granted",
            Self::Refused => "Refused",
        })
    }
}

/// Makes something, and says whether there was memory for it.
pub fn watched<T>(device: &wgpu::Device, make: impl FnOnce() -> T) -> (T, Refusal) {
    let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let made = make();
    let mut refusal = Refusal::Pending(Box::pin(scope.pop()));
    refusal.look();
    (made, refusal)
}
