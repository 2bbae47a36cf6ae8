//! Writes raw slices for looking at.
use glam::DVec3;
use phantom::ct::{Anatomy, Grid};
use std::io::Write;
fn main() {
    let a = Anatomy::new(7);
    let dir = std::env::args().nth(1).unwrap();
    let n: usize = std::env::args().nth(2).map_or(20, |s| s.parse().unwrap());
    let t = std::time::Instant::now();
    for i in 0..n {
        let z = 240.0 - i as f64 * 477.0 / n as f64;
        let g = Grid { columns: 512, rows: 512, first_mm: DVec3::new(-191.6, -175.0, z), column_spacing_mm: 0.75, row_spacing_mm: 0.75 };
        let v = a.slice(&g);
        let mut f = std::fs::File::create(format!("{dir}/{i:03}.raw")).unwrap();
        let b: Vec<u8> = v.iter().flat_map(|h| (*h as i16).to_le_bytes()).collect();
        f.write_all(&b).unwrap();
    }
    println!("{:?} per slice", t.elapsed() / n as u32);
}
