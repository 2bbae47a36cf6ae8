//! The shared handle to the engine: it is borrowed while it hears of something, and free again when its effects are carried out.

use super::{Engine, EngineEvent, effects, waiting};
use crate::platform::page;
use crate::platform::plane_workers::PlaneWorkers;
use crate::platform::workers::{WorkerPool, WorkerProgram, WorkerPrograms};
use crate::store::{Command, Page, ReaderView};
use std::cell::RefCell;
use std::rc::Rc;
use viewer_core::state::Action;

/// A shared handle to the engine.
#[derive(Clone)]
pub struct EngineHandle {
    engine: Rc<RefCell<Engine>>,
    pub(super) host: Rc<Host>,
}

/// Who hears of what the engine wants shown.
pub struct Host {
    /// A new snapshot.
    pub show: Box<dyn Fn(Rc<ReaderView>)>,
    /// Another page.
    pub go_to: Box<dyn Fn(Page)>,
    /// The study before or after the open one.
    pub open_neighbour: Box<dyn Fn(i64)>,
    /// An event of the API.
    pub tell: Box<dyn Fn(&waiting::Told)>,
    /// A new screen is needed: the old one is lost.
    pub rebuild_screen: Box<dyn Fn()>,
}

impl EngineHandle {
    /// An engine with nothing open, its workers starting from `programs`, those that sample planes without a GPU from
    /// `planes`, and the one that decodes videos from `videos`, when they are needed.
    pub fn new(
        page: Page,
        programs: Option<WorkerPrograms>,
        planes: Option<WorkerProgram>,
        videos: Option<WorkerProgram>,
        host: Host,
    ) -> Self {
        let workers = page::cores().clamp(1, 8);
        let engine = Rc::new(RefCell::new(Engine::new(page, workers)));
        let handle = Self {
            engine,
            host: Rc::new(host),
        };
        handle.engine.borrow_mut().videos.program = videos;
        if let Some(programs) = programs {
            handle.engine.borrow_mut().pool = Some(handle.start_pool(programs, workers));
        }
        if let Some(program) = planes {
            let weak = Rc::downgrade(&handle.engine);
            let host = Rc::clone(&handle.host);
            let plane_workers = PlaneWorkers::new(program, workers, move |event| {
                if let Some(engine) = weak.upgrade() {
                    Self {
                        engine,
                        host: Rc::clone(&host),
                    }
                    .send(EngineEvent::PlaneWorker(event));
                }
            });
            handle.engine.borrow_mut().plane_workers = Some(plane_workers);
        }
        handle
    }

    /// Starts workers whose answers the engine hears.
    fn start_pool(&self, programs: WorkerPrograms, workers: usize) -> WorkerPool {
        let weak = Rc::downgrade(&self.engine);
        let host = Rc::clone(&self.host);
        WorkerPool::new(programs, workers, move |job, answer| {
            if let Some(engine) = weak.upgrade() {
                Self {
                    engine,
                    host: Rc::clone(&host),
                }
                .send(EngineEvent::Decoded { job, answer });
            }
        })
    }

    /// The worker of videos, started where it does not run yet; `None` where there is no program for it. There is one: it keeps
    /// the bit streams.
    pub(super) fn video_pool(&self) -> Option<WorkerPool> {
        let (pool, program) = self.with(|engine| {
            let videos = &engine.videos;
            (videos.pool.clone(), videos.program.clone())
        });
        pool.or_else(|| {
            let program = program?;
            let programs = WorkerPrograms {
                common: program.clone(),
                all: program,
            };
            let pool = self.start_pool(programs, 1);
            self.with_mut(|engine| engine.videos.pool = Some(pool.clone()));
            Some(pool)
        })
    }

    /// Lets the engine hear of something and carries out what follows.
    pub fn send(&self, event: EngineEvent) {
        let effects = {
            let mut engine = self.engine.borrow_mut();
            engine.handle(event)
        };
        for effect in effects {
            effects::run(self, effect);
        }
    }

    /// Sends an action.
    pub fn act(&self, action: Action) {
        self.send(EngineEvent::Command(Command::Act(action)));
    }

    /// Looks at the engine. `look` must not send anything.
    pub fn with<T>(&self, look: impl FnOnce(&Engine) -> T) -> T {
        look(&self.engine.borrow())
    }

    /// Changes what is not part of the viewing state. `change` must not send anything.
    pub fn with_mut<T>(&self, change: impl FnOnce(&mut Engine) -> T) -> T {
        change(&mut self.engine.borrow_mut())
    }
}
