//! PET in standardized uptake values: what the made-up patient took up is what is read, and a file that lacks an input says so.

use crate::stage::Stage;
use crate::through::{folder_of, open_stack};
use phantom::volumes::{self, BQML_OF_UPTAKE};
use sagitta_tests::Backend;

const SEED: u64 = 3;

#[test]
fn lesions_of_a_pet_are_read_as_what_they_took_up() {
    let volume = volumes::pair_pet(SEED).unwrap();
    let part = &volume.parts[0];
    let folder = folder_of(&volume);
    let stage = Stage::list(Backend::Cpu, folder.path());
    stage.make_small();
    open_stack(&stage, &volume);
    let [columns, rows, slices] = part.lattice.size;
    // One to one: a canvas pixel is a pixel of the image, in the middle of the viewport.
    stage.eval("window.sagitta.setView(0, { zoom: 1 })");
    for lesion in volumes::lesions() {
        let [column, row, slice] = part.lattice.voxel_at(lesion.center_mm).map(f64::round);
        assert!(column < columns as f64 && row < rows as f64 && slice < slices as f64);
        let slice = slice as usize;
        let (instance, _) = &part.frames[slice];
        stage.eval(&format!("window.sagitta.setSlice(0, {slice})"));
        // The place on the canvas where the pixel is: asked for until it is the one.
        let probe = stage.eval(&format!(
            "(() => {{ const [at] = window.sagitta.viewports();
               for (let y = 0; y < at.height; y++) for (let x = 0; x < at.width; x++) {{
                 const it = window.sagitta.probe(0, x, y);
                 if (it && it.column === {column} && it.row === {row}) return {{ ...it, instance: at.instance }};
               }} return null; }})()"
        ));
        assert_eq!(probe["instance"], instance.as_str());
        assert_eq!(probe["unit"], "SUVbw", "{probe}");
        let value = probe["value"].as_f64().unwrap();
        // Stored in steps of less than a unit of Bq/ml.
        let step = part.rescale[slice].slope / BQML_OF_UPTAKE;
        assert!((value - lesion.uptake).abs() <= step, "{probe}, {lesion:?}");
    }
    stage.expect_no_problems();
}

#[test]
fn lesson_21_a_pet_that_lacks_an_input_says_which_and_shows_its_concentration() {
    let volume = volumes::pet_slopes(SEED).unwrap();
    let folder = folder_of(&volume);
    let stage = Stage::list(Backend::Cpu, folder.path());
    open_stack(&stage, &volume);
    let tip = "document.querySelector('.ov.tr .tip')?.textContent ?? ''";
    let said = "SUV is not shown: what the images are corrected for is missing from the file.";
    stage
        .page
        .wait_for(&format!("({tip}).includes('{said}')"), 20)
        .unwrap();
    let probe = stage.eval(
        "(() => { const [at] = window.sagitta.viewports(); return window.sagitta.probe(0, at.width / 2, at.height / 2); })()",
    );
    assert_eq!(probe["unit"], "Bq/ml", "{probe}");
    stage.expect_no_problems();
}

#[test]
fn windows_of_pet_are_uptake_values() {
    let volume = volumes::pair_pet(SEED).unwrap();
    let folder = folder_of(&volume);
    let stage = Stage::list(Backend::Cpu, folder.path());
    open_stack(&stage, &volume);
    let how = "document.querySelector('.ov.br').textContent";
    let first = format!("({how}).includes('W 10.00  L 5.00 SUVbw')");
    stage.page.wait_for(&first, 20).unwrap();
    // The file's own is the first, 0 to 5 the second.
    stage.eval(
        "document.getElementById('viewport-0').dispatchEvent(new KeyboardEvent('keydown', { key: '2', bubbles: true }))",
    );
    let chosen = format!("({how}).includes('SUV 0\u{2013}5  W 5.00  L 2.50 SUVbw')");
    stage.page.wait_for(&chosen, 20).unwrap();
    let window = stage.eval("window.sagitta.viewports()[0].window");
    let width = window["width"].as_f64().unwrap();
    assert!(
        (width / (5.0 * BQML_OF_UPTAKE) - 1.0).abs() < 1e-9,
        "{window}"
    );
}
