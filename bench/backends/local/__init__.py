"""Open models on this machine: weights from the hub or a folder, run by diffusers.

`table` says what each model takes, `fetching` and `loading` bring its weights here, `placing` puts them on a device,
`adapter` calls any pipeline by one road, `text2video_zero` and `per_frame` are techniques over image models. To add a
model: a row in `table`.
"""
