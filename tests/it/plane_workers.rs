//! Planes without a GPU: workers sample them, those that break down are replaced, and the page draws only where there are none.

use crate::shapes::{expect_ramp, expect_rods};
use crate::stage::Stage;
use crate::through::{CORONAL, Plane, Slab, folder_of, open_stack, open_volume};
use phantom::volumes::{self, Volume};
use sagitta_tests::{Backend, TempFolder};
use serde_json::{Value, json};

const SEED: u64 = 3;

/// Counts what plane workers are told: `__asked` are planes, `__open` those that are neither answered nor given up, `__most`
/// the most of them that a worker ever had.
const WATCH: &str = "(() => {
    const Plain = window.Worker;
    Object.assign(window, { __workers: [], __ended: 0, __asked: [], __most: 0, __trapAt: 0, __refuse: false });
    window.__trap = (worker) => Plain.prototype.postMessage.call(worker, [JSON.stringify('Trap')]);
    window.Worker = class extends Plain {
        constructor(url, ...rest) {
            const isPlane = String(url).includes('plane_worker');
            if (isPlane && window.__refuse) throw new Error('no workers here');
            super(url, ...rest);
            if (!isPlane) return;
            this.open = new Set();
            window.__workers.push(this);
            this.addEventListener('message', ({ data }) => {
                const said = JSON.parse(data[0]);
                if (said.Plane) this.open.delete(said.Plane.id);
            });
        }
        terminate() { if (this.open) window.__ended++; super.terminate(); }
        postMessage(message, ...rest) {
            const told = this.open && typeof message[0] === 'string' ? JSON.parse(message[0]) : {};
            if (told.Cancel) this.open.delete(told.Cancel.id);
            super.postMessage(message, ...rest);
            if (!told.Plane) return;
            this.open.add(told.Plane.id);
            window.__asked.push(told.Plane);
            window.__most = Math.max(window.__most, this.open.size);
            if (window.__asked.length === window.__trapAt) window.__trap(this);
        }
    }; })()";

fn watched(volume: &Volume) -> (Stage, TempFolder) {
    let folder = folder_of(volume);
    let stage = Stage::blank(Backend::Cpu, folder.path());
    stage.page.init_script(WATCH).unwrap();
    stage.go("");
    (stage, folder)
}

fn notes(stage: &Stage) -> String {
    stage.eval("window.sagitta.stats().notes").to_string()
}

fn count(stage: &Stage, script: &str) -> u64 {
    stage.eval(script).as_u64().unwrap()
}

/// The ramp of the body in oblique planes, and slabs of its rods.
fn expect_body(stage: &Stage, volume: &Volume, what: &str) {
    let mut turn = 0;
    let mut read = |plane: &Plane, size| {
        turn += 1;
        plane.values(stage, turn % 3, size)
    };
    expect_ramp(&mut read, &volume.parts[0], 4, what);
    expect_rods(&mut read, &volume.parts[0], what);
}

#[test]
fn planes_without_a_gpu_are_sampled_by_workers_that_start_for_the_first_volume() {
    let volume = volumes::spheres(SEED).unwrap();
    let (stage, _folder) = watched(&volume);
    open_stack(&stage, &volume);
    assert_eq!(count(&stage, "__workers.length"), 0);
    open_volume(&stage, &volume);
    let workers = stage.eval("window.sagitta.stats().workers");
    assert_eq!(stage.eval("__workers.length"), workers);
    expect_body(&stage, &volume, "workers");
    assert!(count(&stage, "__asked.length") > 0);
    // The page that draws itself would say so.
    let notes = notes(&stage);
    assert!(
        !notes.contains("draws them itself") && !notes.contains("broke down"),
        "{notes}"
    );
    // Slices of the workers count: each is there at least once more than in the cache.
    let bytes = |stage: &Stage| count(stage, "window.sagitta.stats().cpu_bytes");
    let [columns, rows, slices] = volume.parts[0].lattice.size;
    assert!(bytes(&stage) >= (columns * rows * slices * 2 * 2) as u64);
    stage.eval("window.sagitta.close()");
    assert_eq!(bytes(&stage), 0);
    assert_eq!(stage.eval("__ended"), workers);
    // They come again with the next.
    open_volume(&stage, &volume);
    expect_body(&stage, &volume, "workers once more");
    stage.expect_no_problems();
}

#[test]
fn a_plane_worker_that_breaks_down_is_replaced_and_planes_are_right() {
    let volume = volumes::spheres(SEED).unwrap();
    let (stage, _folder) = watched(&volume);
    open_volume(&stage, &volume);
    let workers = count(&stage, "__workers.length");
    // All of them while they have nothing to do.
    stage.eval("__workers.slice().forEach(__trap)");
    let made = format!("__workers.length >= {}", 2 * workers);
    stage.page.wait_for(&made, 30).unwrap();
    expect_body(&stage, &volume, "after a breakdown");
    // One with a plane in its hands.
    let before = count(&stage, "__workers.length");
    stage.eval("__trapAt = __asked.length + 1");
    expect_body(&stage, &volume, "with a breakdown");
    assert_eq!(count(&stage, "__workers.length"), before + 1);
    assert!(
        notes(&stage).contains("plane worker broke down and was replaced"),
        "{}",
        notes(&stage)
    );
}

#[test]
fn without_workers_the_page_draws_planes_itself_and_says_so() {
    let volume = volumes::spheres(SEED).unwrap();
    let (stage, _folder) = watched(&volume);
    stage.eval("__refuse = true");
    open_volume(&stage, &volume);
    expect_body(&stage, &volume, "the page");
    assert_eq!(count(&stage, "__workers.length"), 0);
    assert!(
        notes(&stage).contains("the page draws them itself"),
        "{}",
        notes(&stage)
    );
    stage.expect_no_problems();
}

#[test]
fn another_window_takes_no_samples_and_thick_slabs_come_coarse_first() {
    let volume = volumes::spheres(SEED).unwrap();
    let (stage, _folder) = watched(&volume);
    open_volume(&stage, &volume);
    let middle = volume.parts[0].lattice.patient_mm([32, 32, 20]);
    let mut plane = Plane::new(middle, CORONAL, 0.4);
    let show = |plane: &Plane| stage.eval(&format!("window.sagitta.setPlane(1, {})", plane.json()));
    show(&plane);
    let asked = count(&stage, "__asked.length");
    stage.eval("window.sagitta.setWindow(1, { center: 300, width: 90 })");
    assert_eq!(count(&stage, "__asked.length"), asked);
    plane.row = [0.8, 0.6, 0.0];
    plane.slab = Some(Slab {
        thickness_mm: 60.0,
        projection: "mip",
        step_mm: 0.05,
    });
    show(&plane);
    let coarse = stage.eval(&format!(
        "__asked.slice({asked}).map((plane) => plane.is_coarse)"
    ));
    let workers = count(&stage, "__workers.length") as usize;
    let expected: Vec<Value> = [true, false]
        .into_iter()
        .flat_map(|is_coarse| vec![json!(is_coarse); workers])
        .collect();
    assert_eq!(coarse, json!(expected));
    assert_eq!(
        stage.eval("window.sagitta.viewports()[1].state"),
        json!("final")
    );
}

#[test]
fn planes_that_are_dragged_never_queue() {
    let volume = volumes::spheres(SEED).unwrap();
    let (stage, _folder) = watched(&volume);
    open_volume(&stage, &volume);
    // A new thick slab with each animation frame, none of them waited for but the last.
    let middle = volume.parts[0].lattice.patient_mm([32, 32, 20]);
    let slab = Slab {
        thickness_mm: 40.0,
        projection: "mean",
        step_mm: 0.1,
    };
    let plane = Plane {
        slab: Some(slab),
        ..Plane::new(middle, CORONAL, 0.4)
    };
    stage.eval(&format!(
        "(async () => {{
           const plane = {};
           let last;
           for (let turn = 0; turn < 40; turn++) {{
             const angle = turn / 50;
             plane.row = [Math.cos(angle), Math.sin(angle), 0];
             last = window.sagitta.setPlane(1, plane);
             last.catch(() => {{}});
             await new Promise(requestAnimationFrame);
           }}
           await last;
         }})()",
        plane.json()
    ));
    // One for each of the three viewports at most.
    let most = count(&stage, "__most");
    assert!((1..=3).contains(&most), "{most}");
    // What stands there in the end is the last plane.
    let shown = stage.eval("window.sagitta.viewports()[1]");
    assert_eq!(shown["state"], json!("final"));
    stage.expect_no_problems();
}
