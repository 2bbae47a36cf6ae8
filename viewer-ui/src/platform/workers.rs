//! Decode workers: plain workers that take bytes and give back frames, both by transfer.
//!
//! One job a worker at a time. A worker that traps, cannot start, or takes longer than the watchdog
//! allows is ended and replaced; its job is reported as trapped. Workers start from the smallest of three
//! modules; one that is free is replaced by a worker of a larger module when a job needs it, be it that
//! the job says so or that a worker of a smaller module gave it back.

use super::{body, clock};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use viewer_core::decode::Decoders;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};

/// A job for a worker: a header in JSON and the bytes that it speaks of.
#[derive(Debug, Clone)]
pub struct WorkerJob {
    /// Chosen by the caller, comes back with the answer.
    pub id: u64,
    /// What to do.
    pub header: String,
    /// Handed over to the worker, with the whole of their buffer.
    pub bytes: js_sys::Uint8Array,
    /// A worker with these decoders can do it.
    pub needs: Decoders,
}

/// What workers start from.
#[derive(Debug, Clone)]
pub struct WorkerProgram {
    /// Address of the start file.
    pub start: String,
    /// Address of the module that the start file waits for; `None` where it fetches its own.
    pub module: Option<String>,
}

/// The programs that workers start from, one for each of [`Decoders`].
#[derive(Debug, Clone)]
pub struct WorkerPrograms {
    /// With the decoders that most images need.
    pub common: WorkerProgram,
    /// With all decoders.
    pub all: WorkerProgram,
}

impl WorkerPrograms {
    fn with(&self, decoders: Decoders) -> &WorkerProgram {
        match decoders {
            Decoders::Common => &self.common,
            Decoders::All => &self.all,
        }
    }
}

/// The answer of a worker whose module lacks the decoder; it gives the bytes back.
const NEEDS_ALL: &str = "\"NeedsAll\"";

/// How a job ended.
#[derive(Debug)]
pub enum WorkerAnswer {
    /// The worker's own answer: a header in JSON, and bytes if there are any.
    Done {
        /// What the worker says.
        header: String,
        /// Handed over by the worker.
        buffer: Option<js_sys::ArrayBuffer>,
    },
    /// The worker broke down or took too long.
    Trapped,
}

/// Longest time for one job.
const WATCHDOG_MS: f64 = 60_000.0;
/// Front of a job that fetches whole instances and reads their headers (`worker_headers.rs`). What follows is `1` where the
/// server is known to give files alone, else `0`, and the address of a series or an instance.
pub const HEADERS: &str = "headers ";
/// How many times as long such a job may take.
const HEADERS_TIMES: f64 = 30.0;
/// Workers that may break down one after another before no more are started.
const MOST_FAILED_STARTS: u32 = 8;

struct Slot {
    worker: web_sys::Worker,
    decoders: Decoders,
    job: Option<Running>,
    /// Event handlers, kept for as long as the worker lives.
    _handlers: [Closure<dyn FnMut(JsValue)>; 2],
}

impl Slot {
    fn end(&self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// A job that a worker has, and since when.
struct Running {
    id: u64,
    header: String,
    since_ms: f64,
}

struct Pool {
    programs: WorkerPrograms,
    /// The modules of the programs, from when they were first asked for.
    modules: [Option<js_sys::Promise>; 2],
    slots: Vec<Option<Slot>>,
    waiting: VecDeque<WorkerJob>,
    failed_starts: u32,
    on_answer: Rc<dyn Fn(u64, WorkerAnswer)>,
}

/// A handle to the pool; clones share it.
#[derive(Clone)]
pub struct WorkerPool(Rc<RefCell<Pool>>);

impl WorkerPool {
    /// Starts `count` workers of the smallest module.
    pub fn new(
        programs: WorkerPrograms,
        count: usize,
        on_answer: impl Fn(u64, WorkerAnswer) + 'static,
    ) -> Self {
        let pool = Self(Rc::new(RefCell::new(Pool {
            programs,
            modules: [None, None],
            slots: (0..count).map(|_| None).collect(),
            waiting: VecDeque::new(),
            failed_starts: 0,
            on_answer: Rc::new(on_answer),
        })));
        for index in 0..count {
            pool.start(index, Decoders::Common);
        }
        pool.watch();
        pool
    }

    /// Number of workers that live.
    pub fn len(&self) -> usize {
        self.0.borrow().slots.iter().flatten().count()
    }

    /// True where no worker lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a job in line.
    pub fn post(&self, job: WorkerJob) {
        if self.is_empty() {
            let on_answer = Rc::clone(&self.0.borrow().on_answer);
            on_answer(job.id, WorkerAnswer::Trapped);
            return;
        }
        self.0.borrow_mut().waiting.push_back(job);
        self.hand_out();
    }

    /// Forgets jobs that have not begun; the ones under way end by themselves.
    pub fn forget_waiting(&self) {
        self.0.borrow_mut().waiting.clear();
    }

    /// Starts a worker in a slot; the one that was there ends, and its memory is free.
    fn start(&self, index: usize, decoders: Decoders) {
        let old = self.0.borrow_mut().slots[index].take();
        old.iter().for_each(Slot::end);
        let program = self.0.borrow().programs.with(decoders).clone();
        let Ok(worker) = web_sys::Worker::new(&program.start) else {
            return;
        };
        if let Some(address) = program.module {
            self.send_module(index, worker.clone(), decoders, address);
        }
        let handler = |call: fn(&Self, usize, JsValue)| {
            let pool = Rc::downgrade(&self.0);
            Closure::<dyn FnMut(JsValue)>::new(move |event| {
                if let Some(pool) = pool.upgrade() {
                    call(&Self(pool), index, event);
                }
            })
        };
        let on_message = handler(|pool, index, event| pool.answered(index, &event));
        let on_error = handler(|pool, index, _| pool.trapped(index));
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let slot = Slot {
            worker,
            decoders,
            job: None,
            _handlers: [on_message, on_error],
        };
        self.0.borrow_mut().slots[index] = Some(slot);
    }

    /// Sends a worker its module when it is there. Without it the worker cannot start: that is a failed start.
    fn send_module(
        &self,
        index: usize,
        worker: web_sys::Worker,
        decoders: Decoders,
        address: String,
    ) {
        let place = decoders as usize;
        let module = {
            let modules = &mut self.0.borrow_mut().modules;
            let fresh = || future_to_promise(compiled(address));
            modules[place].get_or_insert_with(fresh).clone()
        };
        let pool = Rc::downgrade(&self.0);
        spawn_local(async move {
            let sent = match JsFuture::from(module.clone()).await {
                Ok(module) => worker.post_message(&js_sys::Array::of1(&module)),
                Err(error) => Err(error),
            };
            let (Err(_), Some(pool)) = (sent, pool.upgrade()) else {
                return;
            };
            let has_this =
                |slot: &Option<Slot>| slot.as_ref().is_some_and(|slot| slot.worker == worker);
            let is_current = {
                let mut pool = pool.borrow_mut();
                // The next start asks again.
                let kept = &mut pool.modules[place];
                kept.take_if(|kept| js_sys::Object::is(kept, &module));
                has_this(&pool.slots[index])
            };
            if is_current {
                Self(pool).trapped(index);
            }
        });
    }

    fn hand_out(&self) {
        while let Some((index, other)) = self.next_worker() {
            if let Some(decoders) = other {
                self.start(index, decoders);
            }
            let mut pool = self.0.borrow_mut();
            let pool = &mut *pool;
            // A worker that could not be started leaves its job to the others.
            let Some(slot) = pool.slots[index].as_mut() else {
                continue;
            };
            let Some(job) = pool.waiting.pop_front() else {
                return;
            };
            let message = js_sys::Array::of2(&job.header.as_str().into(), &job.bytes);
            let transfer = js_sys::Array::of1(&job.bytes.buffer());
            if let Some(room) = body::room_for_frame() {
                message.push(&room);
                transfer.push(&room);
            }
            let sent = slot.worker.post_message_with_transfer(&message, &transfer);
            slot.job = Some(Running {
                id: job.id,
                header: job.header,
                // A buffer that is gone already cannot be decoded: the watchdog's answer, at once.
                since_ms: sent.map_or(f64::NEG_INFINITY, |()| clock::now_ms()),
            });
        }
        self.give_up_if_empty();
    }

    /// The worker for the first job in line, and the decoders of the one that has to take its place, if any.
    fn next_worker(&self) -> Option<(usize, Option<Decoders>)> {
        let pool = self.0.borrow();
        let job = pool.waiting.front()?;
        let is_free = |slot: &Option<Slot>| slot.as_ref().is_some_and(|slot| slot.job.is_none());
        let fits = |slot: &Option<Slot>| {
            is_free(slot) && slot.as_ref().is_some_and(|slot| slot.decoders >= job.needs)
        };
        let fitting = pool.slots.iter().position(fits);
        fitting.map(|index| (index, None)).or_else(|| {
            let free = pool.slots.iter().position(is_free);
            free.map(|index| (index, Some(job.needs)))
        })
    }

    fn answered(&self, index: usize, event: &JsValue) {
        let Some(event) = event.dyn_ref::<web_sys::MessageEvent>() else {
            return;
        };
        let parts = js_sys::Array::from(&event.data());
        // What breaks down from here on was the fault of a job, and each job is tried twice at most.
        self.0.borrow_mut().failed_starts = 0;
        // A worker that has started says nothing else.
        let Some(header) = parts.get(0).as_string() else {
            return;
        };
        let buffer: Option<js_sys::ArrayBuffer> = parts.get(1).dyn_into().ok();
        if let Ok(spare) = parts.get(2).dyn_into() {
            body::keep_spare(spare);
        }
        let (job, decoders, on_answer) = {
            let mut pool = self.0.borrow_mut();
            let slot = pool.slots[index].as_mut();
            let (job, decoders) = slot.map_or((None, Decoders::All), |slot| {
                (slot.job.take(), slot.decoders)
            });
            (job, decoders, Rc::clone(&pool.on_answer))
        };
        let job = match (job, buffer) {
            (Some(job), Some(buffer)) if header == NEEDS_ALL && decoders < Decoders::All => {
                self.0.borrow_mut().waiting.push_front(WorkerJob {
                    id: job.id,
                    header: job.header,
                    bytes: js_sys::Uint8Array::new(&buffer),
                    needs: Decoders::All,
                });
                None
            }
            (job, buffer) => job.map(|job| (job.id, buffer)),
        };
        self.hand_out();
        if let Some((id, buffer)) = job {
            on_answer(id, WorkerAnswer::Done { header, buffer });
        }
    }

    fn trapped(&self, index: usize) {
        let (slot, on_answer, may_start) = {
            let mut pool = self.0.borrow_mut();
            pool.failed_starts += 1;
            let slot = pool.slots[index].take();
            let may_start = pool.failed_starts <= MOST_FAILED_STARTS;
            (slot, Rc::clone(&pool.on_answer), may_start)
        };
        slot.iter().for_each(Slot::end);
        if may_start {
            let decoders = slot.as_ref().map(|slot| slot.decoders);
            self.start(index, decoders.unwrap_or(Decoders::Common));
        }
        self.hand_out();
        if let Some(job) = slot.and_then(|slot| slot.job) {
            on_answer(job.id, WorkerAnswer::Trapped);
        }
        self.give_up_if_empty();
    }

    /// Without workers nothing that waits will ever be done.
    fn give_up_if_empty(&self) {
        if !self.is_empty() {
            return;
        }
        let on_answer = Rc::clone(&self.0.borrow().on_answer);
        let rest: Vec<WorkerJob> = self.0.borrow_mut().waiting.drain(..).collect();
        for job in rest {
            on_answer(job.id, WorkerAnswer::Trapped);
        }
    }

    /// Looks once a second for jobs that take too long.
    fn watch(&self) {
        let pool = Rc::downgrade(&self.0);
        spawn_local(async move {
            loop {
                clock::sleep(1000.0).await;
                let Some(strong) = pool.upgrade() else { return };
                let now = clock::now_ms();
                let late: Vec<usize> = strong
                    .borrow()
                    .slots
                    .iter()
                    .enumerate()
                    .filter(|(_, slot)| {
                        slot.as_ref()
                            .and_then(|slot| slot.job.as_ref())
                            .is_some_and(|job| {
                                let is_long = job.header.starts_with(HEADERS);
                                let times = if is_long { HEADERS_TIMES } else { 1.0 };
                                now - job.since_ms > WATCHDOG_MS * times
                            })
                    })
                    .map(|(index, _)| index)
                    .collect();
                for index in late {
                    Self(Rc::clone(&strong)).trapped(index);
                }
            }
        });
    }
}

/// A module, compiled while it arrives; a server that does not name its type is borne with.
pub(super) async fn compiled(address: String) -> Result<JsValue, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let streamed = js_sys::WebAssembly::compile_streaming(&window.fetch_with_str(&address));
    if let Ok(module) = JsFuture::from(streamed).await {
        return Ok(module);
    }
    let answer: web_sys::Response = JsFuture::from(window.fetch_with_str(&address))
        .await?
        .dyn_into()?;
    let bytes = JsFuture::from(answer.array_buffer()?).await?;
    JsFuture::from(js_sys::WebAssembly::compile(&bytes)).await
}
